//! Results for unit tests.

use poll_vs_sse_instrument::{RunResult, Transport};

use super::provenance::Provenance;

/// The head of a full run's file.
pub fn about() -> Provenance {
    let about = r#"{"command":"c","full":true,"started_at":"","finished_at":"","load_after":null,
        "server_cores":[0],"load_cores":[1],"machine":{"cores":2,"cpu":null,"kernel":null,"load":"9 9 9","nginx":null,
        "rustc":null,"git_commit":null,"git_dirty":null,"server":null,"server_version":null}}"#;
    serde_json::from_str(about).expect("a head")
}

/// A valid run of a second with ten clients, in this round.
pub fn outcome(transport: Transport, round: u32) -> RunResult {
    let outcome = r#"{"transport":"poll","round":1,"clients":10,"duration_s":1.0,"published":10,"requests":100,"empty":0,
        "deliveries":100,"expected":100,"missed":0,"duplicates":0,"out_of_order":0,"wire_bytes_in":1000,
        "wire_bytes_out":1000,"delay_us":null,"server_cpu_s":0.01,"server_memory_bytes":null,
        "server_memory_base_bytes":null,"server_cores":1,"connections":10,"errors":0,"first_error":null,
        "opening":{"requests":0,"wire_bytes_in":0,"wire_bytes_out":0},
        "whole":{"requests":0,"wire_bytes_in":0,"wire_bytes_out":0},"arrivals":100,
        "publishing":{"refused":0,"late_us_max":0,"in_time":10,"held_back":0,"fell_short":false},
        "load":{"cpu_s":0.0,"cores":1,"cpu_share":0.0,"lag_us_p99":0,"limited":false},"interrupted":false,"delay_buckets":[],"timeline":[]}"#;
    let outcome: RunResult = serde_json::from_str(outcome).expect("a run's result");
    RunResult {
        transport,
        round,
        ..outcome
    }
}
