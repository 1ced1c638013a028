//! Attacks on a server in a process of its own, beside two clients that want nothing but to be
//! served: they miss nothing while it lasts, the server's memory stays within bounds, and afterwards
//! it holds what it held before. What is printed is for whoever wants to know what an attack costs.

mod crowds;
mod deaf;
mod floods;
mod lively;
mod scene;
mod sealed;
mod slow;
