//! The machine that figures were measured on, as a record. `instrument` reads it.

use serde::{Deserialize, Serialize};

/// `None` if it cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processors this process may use.
    pub cores: u32,
    pub cpu: Option<String>,
    pub memory_bytes: Option<u64>,
    /// Such as `linux`.
    pub system: String,
    /// Its version.
    pub kernel: Option<String>,
    /// Such as `x86_64`.
    pub architecture: String,
    /// Load averages of 1, 5 and 15 minutes at the beginning: other work disturbs a measurement.
    pub load_averages: Option<[f64; 3]>,
    /// The most descriptors of a process.
    pub open_files: Option<u64>,
}

/// A load average above this, per processor, shows other work.
const BUSY: f64 = 0.35;

impl Machine {
    /// Whether other work ran within the last minute.
    pub fn is_busy(&self) -> bool {
        let last_minute = self.load_averages.map(|[minute, ..]| minute);
        last_minute.is_some_and(|load| load > BUSY * f64::from(self.cores))
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cores = match self.cores {
            1 => "1 processor".to_owned(),
            cores => format!("{cores} processors"),
        };
        write!(f, "{cores}")?;
        if let Some(cpu) = &self.cpu {
            write!(f, " ({cpu})")?;
        }
        write!(f, ", {}", self.system)?;
        if let Some(kernel) = &self.kernel {
            write!(f, " {kernel}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_average_shows_other_work() {
        let with = |minute| Machine {
            cores: 2,
            cpu: None,
            memory_bytes: None,
            system: "linux".to_owned(),
            kernel: None,
            architecture: "x86_64".to_owned(),
            load_averages: Some([minute, 0.0, 0.0]),
            open_files: None,
        };
        assert!(with(1.0).is_busy());
        assert!(!with(0.5).is_busy());
    }
}
