#![doc = include_str!("links/readme.md")]
#![doc = include_str!("README.md")]

// `links/`: what a page links to of a feature, where the docs have that feature; elsewhere the table of features. Before
// the page, as a definition may not follow its last paragraph.
// `links/readme.md` is that of the two READMEs, whose own links are to files of the repository.

#[doc = include_str!("getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("recipes.md")]
pub mod recipes {}

#[doc = include_str!("concepts.md")]
pub mod concepts {}

#[doc = include_str!("ordering.md")]
pub mod ordering {}

#[doc = include_str!("backpressure.md")]
pub mod backpressure {}

#[doc = include_str!("supervision.md")]
pub mod supervision {}

#[doc = include_str!("policy.md")]
pub mod policy {}

#[doc = include_str!("commands.md")]
pub mod commands {}

#[cfg_attr(feature = "testing", doc = include_str!("links/testing.md"))]
#[cfg_attr(not(feature = "testing"), doc = include_str!("links/without_testing.md"))]
#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("seeing.md")]
pub mod seeing {}

#[doc = include_str!("replicas.md")]
pub mod replicas {}

#[cfg_attr(feature = "journal", doc = include_str!("links/journals.md"))]
#[cfg_attr(not(feature = "journal"), doc = include_str!("links/without_journals.md"))]
#[doc = include_str!("journals.md")]
pub mod journals {}

#[cfg_attr(feature = "p2p", doc = include_str!("links/peers.md"))]
#[cfg_attr(not(feature = "p2p"), doc = include_str!("links/without_peers.md"))]
#[doc = include_str!("peers.md")]
pub mod peers {}

#[cfg_attr(feature = "mods", doc = include_str!("links/mods.md"))]
#[cfg_attr(not(feature = "mods"), doc = include_str!("links/without_mods.md"))]
#[doc = include_str!("mods.md")]
pub mod mods {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("deployment.md")]
pub mod deployment {}

#[doc = include_str!("migration.md")]
pub mod migration {}

#[doc = include_str!("when_not.md")]
pub mod when_not {}

#[doc = include_str!("platforms.md")]
pub mod platforms {}

#[doc = include_str!("guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("side_by_side.md")]
pub mod side_by_side {}
