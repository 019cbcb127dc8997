//! Makes the tables of `docs/benchmarks.md` from the files of committed runs. Each module has the format of a file and
//! its tables. Benches write the files, and the example `docs` writes the tables.

// Each bench and the example `docs` use only a part of this.
#![allow(dead_code)]

pub mod access;
pub mod compare;
pub mod docs;
pub mod forms;
pub mod limits;
pub mod micro_benchmarks;
pub mod number;
pub mod part;
pub mod protocols;
pub mod provenance;
pub mod published;
pub mod round;
pub mod runs;
pub mod scaling;
pub mod servers;
pub mod shared_streams;
pub mod spread;
pub mod stacks;
pub mod summary;
#[cfg(test)]
mod test_fixtures;
pub mod trust;
