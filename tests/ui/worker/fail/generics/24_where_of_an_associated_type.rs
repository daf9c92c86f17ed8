use control_panel::{Context, Intent, IntentSource, worker};

#[worker(source = IntentSource::Restore)]
async fn load<I: Intent<Source = IntentSource>, P: Iterator + Send + Sync + 'static>(cx: Context<I, P>)
where
    P::Item: Default,
    I: From<P::Item>,
{
    cx.send(P::Item::default().into()).await.ok();
}

fn main() {}
