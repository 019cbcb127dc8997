//! The plan as a table: a row for each figure, a column for each transport.

use crate::{
    Estimate, Limit, Model, Part, Plan, StackOrigin, Transport, WireForm,
    format::{counted, precise, rate, significant, size, time_us},
    text_table::{align, wrap},
};

/// One row: its name and its cells.
type Row = (&'static str, fn(&Estimate) -> String);

const NONE: &str = "-";
const SERVERS: &str = "servers";

const ASKS_IN_HIDDEN_TABS: &str = "  in hidden tabs";

const ROWS: [Row; 16] = [
    ("asks every", |one| interval(one.interval_s)),
    (ASKS_IN_HIDDEN_TABS, |one| interval(one.hidden_interval_s)),
    ("requests/s", |one| rate(one.rates.requests)),
    ("  with an empty answer", |one| rate(one.rates.empty)),
    ("deliveries/s", |one| rate(one.rates.deliveries)),
    ("connections", |one| rate(one.rates.connections)),
    ("wire bytes in/s", |one| size(one.wire_bytes_in_per_s)),
    ("wire bytes out/s", |one| size(one.wire_bytes_out_per_s)),
    ("cores busy", |one| precise(one.cores)),
    ("  mostly with", |one| {
        let share = (one.dominant_share * 100.0).round();
        format!("{} {share} %", part(one.dominant))
    }),
    ("memory", |one| size(one.memory_bytes)),
    ("  of the kernel beside it", |one| {
        size(one.kernel_memory_bytes)
    }),
    ("delay, mean", |one| time(one.delay_mean_s)),
    ("  at worst", |one| time(one.delay_worst_s)),
    (SERVERS, |one| match one.servers {
        Some(servers) => rate(servers),
        None => "impossible".to_owned(),
    }),
    ("  decided by", |one| match one.servers {
        // One server is the minimum.
        Some(1.0) => NONE.to_owned(),
        _ => limit(one.limit).to_owned(),
    }),
];

/// The question, the figures, and the source of the model, in lines of `width`.
pub fn table(plan: &Plan, model: &Model, width: Option<usize>) -> String {
    let heading = Transport::ALL.map(|transport| transport.to_string());
    let mut lines = vec![line(String::new(), heading)];
    for (name, cell) in ROWS {
        if name == ASKS_IN_HIDDEN_TABS && plan.question.hidden_share == 0.0 {
            continue;
        }
        let cells = Transport::ALL.map(|transport| {
            let one = plan.transports.get(transport);
            // Without an interval there are no figures.
            let is_nothing = transport == Transport::Poll && one.interval_s.is_none();
            if is_nothing && name != SERVERS {
                NONE.to_owned()
            } else {
                cell(one)
            }
        });
        lines.push(line(name.to_owned(), cells));
    }
    format!(
        "{}\n\n{}\n{}",
        wrap(&question(plan), "  ", width),
        align(&lines),
        wrap(&provenance(model, plan.question.form), "", width)
    )
}

fn interval(interval_s: Option<f64>) -> String {
    interval_s.map_or(NONE.to_owned(), time)
}

fn line(name: String, cells: [String; 3]) -> Vec<String> {
    std::iter::once(name).chain(cells).collect()
}

fn question(plan: &Plan) -> String {
    let asked = &plan.question;
    let server = &asked.server;
    let cookie = match asked.cookie_bytes {
        0.0 => "without a cookie".to_owned(),
        bytes => format!("with a cookie of {}", counted(bytes, "byte")),
    };
    let each = if asked.clients == 1.0 { "" } else { "each " };
    format!(
        "{}, {each}to get {} messages/s of {}, at most {} late\n\
         {}, {} {cookie}\n\
         servers of {}, {}, {} Gbit/s, used to {} %",
        counted(asked.clients, "client"),
        precise(asked.rate),
        counted(asked.size, "byte"),
        time(asked.max_delay_s),
        asked.form.description(),
        asked.head.description(),
        counted(server.cores, "core"),
        size(server.memory_bytes),
        server.network_bits_per_s / 1e9,
        (server.utilization * 100.0).round(),
    )
}

fn provenance(model: &Model, form: WireForm) -> String {
    let percent = |share: f64| significant(share * 100.0);
    if let Some(stack) = &model.stack {
        return stack_provenance(model, stack);
    }
    let matrix = match &model.errors.matrix {
        Some(matrix) => format!(
            "\nIn another bench, polling's CPU as a multiple of that of SSE was off by up to {} times (half of the cells: \
             less than {}), at worst with small loads.",
            significant(matrix.ratio_worst),
            significant(matrix.ratio_median)
        ),
        None => String::new(),
    };
    let form = match form.is_plain() || model.forms.is_some() {
        true => String::new(),
        false => format!(
            "\nThis model file has no constants of {}. The ratio of a request's and an event's cost to that over \
             HTTP/1.1 is that of the built-in model; the other constants are the built-in ones.",
            form.description()
        ),
    };
    format!(
        "Computed from what was measured on {} with version {}, {}.\n\
         On points it was not fitted to, the model was off by up to {} % of CPU (half of them less than {} %), \
         {} % of bytes and {} % of requests.{matrix}{form}",
        model.machine,
        model.version,
        model.measured_at.get(..10).unwrap_or(&model.measured_at),
        percent(model.errors.cpu_worst),
        percent(model.errors.cpu_median),
        percent(model.errors.bytes_worst),
        percent(model.errors.requests_worst.unwrap_or(0.0)),
    )
}

fn stack_provenance(model: &Model, stack: &StackOrigin) -> String {
    let percent = |share: f64| significant(share * 100.0);
    let workers = match stack.workers_per_core {
        Some(workers) => format!(
            " A stream or a waiting long-poll holds a worker; a core has {}.",
            rate(workers)
        ),
        None => String::new(),
    };
    format!(
        "Computed from what {} measured of {} (each core with {}), {}.{workers}\n\
         With streams at a steady rate, which it was not fitted to, the model was off by up to {} % of CPU (half of them \
         less than {} %) and {} % of bytes. Polls and long-polls were measured at one point each.\n\
         Not measured:\n- {}",
        stack.run,
        stack.title,
        stack.setup,
        model.measured_at.get(..10).unwrap_or(&model.measured_at),
        percent(model.errors.cpu_worst),
        percent(model.errors.cpu_median),
        percent(model.errors.bytes_worst),
        stack.unmeasured.join("\n- "),
    )
}

pub fn part(part: Part) -> &'static str {
    match part {
        Part::Process => "the process itself",
        Part::Publishing => "publishing",
        Part::Requests => "requests",
        Part::Messages => "messages",
        Part::KeepAlives => "keep-alives",
        Part::Connections => "connecting",
    }
}

pub fn limit(limit: Limit) -> &'static str {
    match limit {
        Limit::Cpu => "CPU",
        Limit::Memory => "memory",
        Limit::Network => "network",
        Limit::Workers => "workers",
        Limit::Delay => "delay",
    }
}

/// A time given in seconds.
pub fn time(seconds: f64) -> String {
    time_us(seconds * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Question, ServerSize, plan};

    #[test]
    fn a_tiny_plan_is_in_the_singular_and_without_zeros() {
        let question = Question {
            clients: 1.0,
            rate: 0.0001,
            max_delay_s: 86_400.0,
            server: ServerSize {
                cores: 1.0,
                ..Question::default().server
            },
            ..Question::default()
        };
        let text = table(&plan(Model::built_in(), &question), Model::built_in(), None);
        assert!(
            text.contains("1 client, to get 0.00010 messages/s"),
            "{text}"
        );
        assert!(text.contains("servers of 1 core,"), "{text}");
        assert!(
            !text.split_whitespace().any(|word| word == "0.000"),
            "{text}"
        );
    }
}
