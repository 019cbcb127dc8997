//! The measuring instrument, held against servers whose cost is known.

mod own;
mod support;
