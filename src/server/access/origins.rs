//! The origins whose pages may use the server.

/// Pages of this server's own origin are always allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    #[default]
    None,
    /// As browsers send them; with cookies.
    List(Vec<String>),
    /// Without cookies.
    Any,
}
