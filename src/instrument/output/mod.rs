//! What is said of a comparison, and in which form: the document (`--json`), the table with its
//! verdict and warnings, the page (`--report`), and meanwhile how far it is.

pub mod destination;
pub mod document;
pub mod report;
pub mod screen;
pub mod table;
pub mod verdict;
pub mod warnings;
