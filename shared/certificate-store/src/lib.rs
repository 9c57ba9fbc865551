//! Where certificates are kept for CloudFront: one trait ([`CertificateStore`]), one file for each place, and [`Stores`], which has them
//! all. What is done with certificates (upload, retirement, orphans, drift, doctor, quota) is written once, for whichever place it is.
//! docs/contributors/certificate-store.md: how to add one.

#[macro_use]
mod table;

mod reference;
mod store;
mod stores;

pub use reference::{Reference, UnknownReference};
pub use store::{CertificateStore, Found, Listed, NewCertificate, NotPut, Quota, Removed, Usage};
pub use stores::{Kind, StoreArgs, Stores};
