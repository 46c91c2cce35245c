//! The server: built of the other layers, serving, draining, and its handle [`Stellar`].

mod app;
mod builder;
mod drain;
mod engines;
mod metrics;
mod paths;
mod reload;
mod serve;
mod stellar;

pub(crate) use self::{
    app::App,
    engines::engine_name,
    metrics::ActionMetrics,
    paths::{clash, is_path},
    reload::ReloadHook,
};
pub use self::{
    builder::{BuildError, Builder},
    engines::{engines, engines_with},
    reload::ReloadError,
    stellar::Stellar,
};
