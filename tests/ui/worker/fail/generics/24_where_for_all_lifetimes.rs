use control_panel::{Context, Intent, IntentSource, worker};

trait Reads<'a> {}

#[worker(source = IntentSource::Restore)]
async fn load<I: Intent<Source = IntentSource>>(cx: Context<I>)
where
    for<'a> I: Reads<'a>,
{
    drop(cx);
}

fn main() {}
