//! What is expanded.

use proc_macro2::TokenStream;

/// A worker as the compiler hands it over: the attribute's arguments and the function.
pub struct Worker {
    pub arguments: TokenStream,
    pub function: TokenStream,
}

impl Worker {
    fn new(arguments: &str, function: &str) -> Self {
        Self { arguments: tokens(arguments), function: tokens(function) }
    }

    pub fn expand(&self) -> TokenStream {
        crate::worker::worker(self.arguments.clone(), &self.function)
    }

    /// What any attribute has to do that looks at its item: to copy the tokens.
    pub fn copy(&self) -> TokenStream {
        syn::parse2(self.function.clone()).unwrap_or_default()
    }
}

/// The nth of many workers, with so many statements.
pub fn worker(nth: usize, statements: usize) -> Worker {
    let body = "cx.send(Update::Article(title.clone())).await.ok();\n".repeat(statements);
    let function = format!(
        "/// Fetches the headlines.
        async fn rss_{nth}(cx: Context<Update>, titles: Vec<String>, title: String) -> Result<(), FeedDown> {{
            {body} Ok(())
        }}"
    );
    Worker::new("source = Feed::Rss", &function)
}

/// Workers by what is written in their attribute.
pub fn workers() -> [(&'static str, Worker); 4] {
    let function = "async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), FeedDown> {}";
    [
        ("#[worker(source = …)]", Worker::new("source = Feed::Rss", "async fn rss(cx: Context<Update>) {}")),
        ("… with an argument and a result", Worker::new("source = Feed::Rss", function)),
        (
            "… restarted, with an intensity",
            Worker::new("source = Feed::Rss, restart = on_failure, intensity = 5, period = \"1m\"", function),
        ),
        (
            "… with every option",
            Worker::new(
                "source = Feed::Rss, name = headlines, crate = ::renamed, restart = on_failure, intensity = 3,
                 period = \"1m\", backoff = \"10ms\", max_backoff = \"1s\", cancel = cooperative, grace = \"2s\"",
                function,
            ),
        ),
    ]
}

/// An enum of so many variants, of which every third is replicated.
pub fn intent(variants: usize) -> TokenStream {
    let variants = (0..variants).map(|nth| match nth % 3 {
        0 => format!("#[intent(clock = lamport)] Remote{nth} {{ lamport: u64, text: String }},"),
        1 => format!("Local{nth}(String),"),
        _ => format!("Signal{nth},"),
    });
    enumeration(&variants.collect::<String>())
}

pub fn enumeration(variants: &str) -> TokenStream {
    tokens(&format!("#[intent(source = Feed)] enum Update {{ {variants} }}"))
}

pub fn derive(input: &TokenStream) -> TokenStream {
    crate::intent::derive(input.clone())
}

fn tokens(source: &str) -> TokenStream {
    source.parse().expect("the sample is made of tokens")
}

/// All tokens, those inside delimiters too.
pub fn count(tokens: &TokenStream) -> usize {
    let inner = |token| match token {
        proc_macro2::TokenTree::Group(group) => 2 + count(&group.stream()),
        _ => 1,
    };
    tokens.clone().into_iter().map(inner).sum()
}
