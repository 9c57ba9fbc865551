//! Stores for CloudFront's certificates: one trait ([`CertificateStore`]), one file for each store, and [`Stores`],
//! which holds them all. What is done with certificates (upload, retirement, orphans, drift, doctor, quota) is
//! implemented once, for all stores. docs/contributors/certificate-store.md explains how to add one.

#[macro_use]
mod table;

mod reference;
mod store;
mod stores;

pub use reference::{Reference, UnknownReference};
pub use store::{CertificateStore, Found, Listed, NewCertificate, NotPut, Quota, Removed, Usage};
pub use stores::{Kind, StoreArgs, Stores};
