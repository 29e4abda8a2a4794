//! The MCP door as clients meet it, in process. A test has the number of the rule that it is about.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod content;
#[cfg(test)]
mod dry_runs;
#[cfg(test)]
mod eras;
#[cfg(test)]
mod front;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod wire;
