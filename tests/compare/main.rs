//! The measuring instrument, held against servers whose cost is known.

mod calibrate;
mod own;
mod support;
