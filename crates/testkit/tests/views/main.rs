//! What a scoped key sees of Notion, and what it does not: the list of ways in ([`probes`]), and twin
//! worlds that must look the same ([`twins`]).

#[cfg(test)]
mod probes;
#[cfg(test)]
mod twins;
