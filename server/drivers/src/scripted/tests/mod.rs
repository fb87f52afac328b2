//! `scripted`, by what a script can say: the language, requests, files and objects of its own, PnP.

mod files;
mod inquiries;
mod language;
mod own;
mod pnp;
mod requests;
mod targets;
