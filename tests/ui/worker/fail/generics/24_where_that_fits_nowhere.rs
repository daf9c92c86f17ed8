use control_panel::{Context, Intent, IntentSource, worker};

#[worker(source = IntentSource::Restore)]
async fn load<I: Intent>(cx: Context<I>)
where
    I: Intent<Source = IntentSource>,
    Vec<I>: Sized,
{
    drop(cx);
}

fn main() {}
