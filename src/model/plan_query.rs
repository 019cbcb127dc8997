//! `GET /plan?…`: a question as URL parameters, and the document that answers it. Parameters are named
//! like the flags of `plan`; `docs/api.md` lists them.

use crate::{
    ArrivalPattern, Curve, CurveAxis, Model, PlanDocument, Question, QuestionField, RequestHead,
    StackModel, plan,
};

/// A question, and the curves to compute with it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanQuery {
    pub question: Question,
    pub curves: Vec<CurveAxis>,
    /// Another stack, in place of our server.
    pub stack: Option<&'static StackModel>,
}

/// Why a query is refused: names one parameter and its valid values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidPlanQuery {
    /// The parameter, as the client wrote it.
    pub field: String,
    pub reason: String,
}

impl PlanQuery {
    /// Reads a query string. Parameters that are left out have the defaults of the flags.
    ///
    /// # Errors
    ///
    /// If a parameter is unknown, is given twice, or has a value that is out of range.
    pub fn parse(query: &str) -> Result<Self, InvalidPlanQuery> {
        let mut parsed = Self {
            question: Question::default(),
            curves: Vec::new(),
            stack: None,
        };
        let mut given: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let invalid = |reason: String| InvalidPlanQuery {
                field: name.clone().into_owned(),
                reason,
            };
            if given.iter().any(|other| *other == name) {
                return Err(invalid("is given twice".to_owned()));
            }
            parsed.set(&name, &value).map_err(invalid)?;
            given.push(name.into_owned());
        }
        if parsed.stack.is_some() {
            StackModel::check(&parsed.question).map_err(|reason| InvalidPlanQuery {
                field: "stack".to_owned(),
                reason,
            })?;
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "spacing" => {
                self.question.spacing = match value {
                    "random" => ArrivalPattern::Random,
                    "regular" => ArrivalPattern::Regular,
                    _ => return Err("must be `random` or `regular`".to_owned()),
                };
                Ok(())
            }
            "head" => {
                let found = RequestHead::ALL.into_iter();
                let found = found.into_iter().find(|head| head.as_str() == value);
                let head = found.ok_or("must be `bare`, `curl`, `chrome` or `firefox`")?;
                self.question.head = head;
                Ok(())
            }
            "protocol" => {
                self.question.form.protocol = value.parse()?;
                Ok(())
            }
            "tls" => {
                self.question.form.tls = match value {
                    "on" => true,
                    "off" => false,
                    _ => return Err("must be `on` or `off`".to_owned()),
                };
                Ok(())
            }
            "stack" => {
                self.stack = Some(StackModel::find(value)?);
                Ok(())
            }
            "curves" => {
                for axis in value.split(',') {
                    let axis = CurveAxis::from_name(axis).ok_or_else(|| {
                        let names = CurveAxis::ALL.map(CurveAxis::name).join("`, `");
                        format!("must be a list of `{names}`")
                    })?;
                    if !self.curves.contains(&axis) {
                        self.curves.push(axis);
                    }
                }
                Ok(())
            }
            _ => {
                let field = QuestionField::ALL
                    .into_iter()
                    .find(|field| field.name() == name)
                    .ok_or_else(|| "is not a parameter of /plan".to_owned())?;
                let number = if field.is_time() {
                    parse_seconds(value).map_err(str::to_owned)?
                } else {
                    let number = value.parse();
                    number.map_err(|_| "must be a number".to_owned())?
                };
                self.question
                    .set(field, number)
                    .map_err(|error| error.to_string())
            }
        }
    }

    /// Computes the answer from `model`, or from that of the chosen stack.
    pub fn answer(&self, model: &Model) -> PlanDocument {
        let stack = self.stack.map(StackModel::model);
        let model = stack.as_ref().unwrap_or(model);
        let mut document = PlanDocument::new(plan(model, &self.question), model);
        let curves = self.curves.iter();
        document.curves = curves
            .map(|axis| Curve::new(model, &self.question, *axis))
            .collect();
        document
    }
}

/// Parses a time: a number of seconds, as in `wait` of `/poll`, or with a unit, as in the flags.
fn parse_seconds(text: &str) -> Result<f64, &'static str> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok(seconds);
    }
    let duration = humantime::parse_duration(text);
    duration
        .map(|duration| duration.as_secs_f64())
        .map_err(|_| "must be a duration such as `250ms` or `2s`, or a number of seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> InvalidPlanQuery {
        PlanQuery::parse(query).expect_err(query)
    }

    #[test]
    fn parameters_are_those_of_the_flags() {
        let query = "clients=1000000&rate=0.05&size=200&max_delay=1m%2030s&spacing=regular&wait=55\
                     &round_trip=80ms&protocol=h2&tls=on&head=firefox&cookie=1024&server_cores=2&server_memory_gib=0.5&server_network_gbit=0.01&utilization=0.5";
        let asked = PlanQuery::parse(query).expect("valid").question;
        assert_eq!((asked.clients, asked.rate, asked.size), (1e6, 0.05, 200.0));
        assert_eq!(asked.spacing, ArrivalPattern::Regular);
        assert_eq!(
            (asked.max_delay_s, asked.wait_s, asked.round_trip_s),
            (90.0, 55.0, 0.08)
        );
        assert_eq!(
            (asked.head, asked.cookie_bytes),
            (RequestHead::Firefox, 1024.0)
        );
        assert_eq!(
            asked.form,
            crate::WireForm::new(crate::Protocol::Http2, true)
        );
        let server = asked.server;
        assert_eq!((server.cores, server.memory_bytes), (2.0, 536_870_912.0));
        assert_eq!((server.network_bits_per_s, server.utilization), (1e7, 0.5));
        assert_eq!(
            PlanQuery::parse("").expect("valid").question,
            Question::default()
        );
    }

    #[test]
    fn a_refused_parameter_is_named() {
        for (query, field, reason) in [
            ("clients=0", "clients", "1 to 10000000000"),
            ("clients=many", "clients", "a number"),
            ("rate=nan", "rate", "0.000001 to 10000"),
            ("max_delay=30d", "max_delay", "0.001 to 86400 s"),
            ("max_delay=soon", "max_delay", "duration"),
            ("spacing=odd", "spacing", "`random`"),
            ("utilization=inf", "utilization", "0.01 to 0.99"),
            ("rate=1&rate=2", "rate", "twice"),
            ("klients=3", "klients", "not a parameter"),
            ("stack=cobol", "stack", "`express`"),
            ("stack=express&tls=on", "stack", "without TLS"),
            ("head=safari", "head", "`chrome`"),
            ("protocol=h3", "protocol", "http/1.1"),
            ("tls=perhaps", "tls", "`on` or `off`"),
            ("cookie=1e9", "cookie", "0 to 32000"),
            (
                "curves=rate,when",
                "curves",
                "`max_delay`, `clients`, `rate`",
            ),
        ] {
            let error = refused(query);
            assert_eq!(error.field, field, "{query}");
            assert!(error.reason.contains(reason), "{query}: {}", error.reason);
        }
    }
}
