//! The server: built of the other layers, serving, draining, and its handle [`Stellar`].

mod builder;
mod drain;
mod engines;
mod layer;
mod metrics;
mod paths;
mod reload;
mod serve;
mod stellar;

pub use self::{
    builder::{BuildError, Builder},
    engines::{engines, engines_with},
    layer::StellarLayer,
    reload::ReloadError,
    stellar::Stellar,
};
