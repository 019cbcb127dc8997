//! What is said of a comparison, and in which form: the document (`--json`), the table with its
//! verdict and warnings, the page (`--report`), and meanwhile how far it is.

pub mod output_target;
pub mod progress_display;
pub mod report;
pub mod run_report;
pub mod table;
pub mod verdict;
pub mod warnings;
