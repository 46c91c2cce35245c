//! What protects the server from other sites' pages and from strangers.

mod authorizer;
mod hosts;
mod methods;
mod secrets;
