//! Limits of the questions who an address is, and of what comes back.

/// A text of a registry, such as the name of a network, in bytes; what is longer is cut.
pub const WHO_TEXT_MAX: usize = 256;

/// Contacts for abuse that are kept of one network.
pub const WHO_CONTACTS_MAX: usize = 4;

/// An answer of a whois server, in bytes; what comes after is not read.
pub const WHOIS_ANSWER_MAX: usize = 256 * 1024;

/// Lines of such an answer that are looked at; the longest of the registries' have some hundred.
pub const WHOIS_LINES_MAX: usize = 8192;

/// Whois servers that are asked about one address.
pub const WHOIS_HOPS_MAX: usize = 5;

/// An answer of RDAP, in bytes.
pub const RDAP_ANSWER_MAX: usize = 512 * 1024;

/// Redirects that are followed for one question by RDAP.
pub const RDAP_REDIRECTS_MAX: usize = 3;

/// Entities within entities of an answer of RDAP; real ones have two.
pub const RDAP_DEPTH_MAX: usize = 4;

/// Entities of one answer of RDAP that are looked at.
pub const RDAP_ENTITIES_MAX: usize = 256;

/// An answer of a name server over TCP, in bytes; over UDP it is 1232, as clients announce today.
pub const DNS_ANSWER_MAX: usize = 16 * 1024;

/// Name servers that are asked, as the C library does.
pub const NAME_SERVERS_MAX: usize = 3;

/// One server has so many seconds for its answer.
pub const WHO_SERVER_S: u64 = 10;

/// All servers together have so many seconds for one address.
pub const WHO_PATIENCE_S: u64 = 40;

/// Networks whose owner is kept for a while.
pub const WHO_KEPT_MAX: usize = 2000;

/// How long that is kept, in seconds.
pub const WHO_KEPT_S: u64 = 86_400;

/// How long it is kept that nobody could tell.
pub const WHO_FAILED_KEPT_S: u64 = 3600;

/// Questions that wait for an answer; more are answered with none, which is counted.
pub const WHO_ASKED_MAX: usize = 256;

/// Questions to one registry at once, before the rate counts.
pub const WHO_BURST: u32 = 5;

/// Seconds between questions to one registry.
pub const WHO_PACE_S: u64 = 1;

/// Questions to one registry in a day. RIPE's and APNIC's terms block whoever asks for more than
/// about a thousand contacts.
pub const WHO_PER_DAY_MAX: u32 = 500;

/// A database of places, in bytes; that of cities with everything has about 130 MB.
pub const GEO_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Lines of evidence in a report of abuse.
pub const REPORT_LINES_MAX: usize = 50;
