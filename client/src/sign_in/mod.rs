//! Signing in with another device (RFC 8628): the provider of the service shows a code there, and gives
//! this program an ID token, which the service exchanges for a key.

mod device;
mod provider;

pub use device::DeviceSignIn;
