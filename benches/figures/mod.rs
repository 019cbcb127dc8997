//! From the files of committed runs to the figures of `docs/benchmarks.md`: the shape of each file, and
//! what is made of it. Benches write through this, and a test holds the documentation against it.

// Benches and the test each use their part of this.
#![allow(dead_code)]

pub mod about;
pub mod compare;
pub mod docs;
pub mod growth;
pub mod number;
pub mod paper;
pub mod parts;
pub mod runs;
pub mod servers;
pub mod spread;
pub mod summary;
