//! The output formats of a comparison: JSON (`run_report`), text (`text_report`: verdict, cards, table, warnings), an
//! HTML page (`report`), and the progress while it runs.

mod cards;
pub mod output_target;
pub mod progress_display;
pub mod report;
pub mod run_header;
pub mod run_report;
mod table;
mod table_rows;
pub mod text_report;
pub mod verdict;
pub mod warnings;
