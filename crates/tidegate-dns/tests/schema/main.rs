//! The record schema as a table: questions, and every record of their answers.
//!
//! The rows are in `rows/`, written by hand from the DNS contract, whose numbers they bear
//! (`§1.13` is row 13 of its first section). What a row says is in `row`, in what ways it is asked
//! in `table`, and how an answer is judged in `verdict`. A table needs nothing of a server but that
//! it turns packets into packets: here the zone itself does so in this process, and a server over
//! UDP and TCP.

mod ask;
mod elsewhere;
mod objects;
mod packet;
mod row;
mod scene;
mod table;
mod tables;
mod transfers;
mod verdict;
mod zone;
