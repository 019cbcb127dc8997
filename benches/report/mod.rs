//! From the files of committed runs to the figures of `docs/benchmarks.md`: the shape of each file, and
//! what is made of it. Benches write through this, and a test holds the documentation against it.

// Benches and the test each use their part of this.
#![allow(dead_code)]

pub mod compare;
pub mod docs;
pub mod number;
pub mod parts;
pub mod provenance;
pub mod published;
pub mod runs;
pub mod scaling;
pub mod servers;
pub mod spread;
pub mod summary;
