//! Several transactions in place of one, where that is so much cheaper that it is needed.
//!
//! `iptables-nft-restore` looks for chains in lists of all that it has to write, so that twice as
//! many chains take four times as long; some hundreds at a time take only twice as long. The legacy
//! variant hands over the whole table for each transaction, and gets everything in one.

use std::mem::take;

use crate::edit::Edit;

/// Splits edits into transactions of some thousand lines.
///
/// Chains come first: those that belong to no Service, then those of the Services. Nothing leads to
/// new ones yet. All that connects them, and deletes others, is done last and in one piece.
pub(crate) fn split<'a>(mut edits: Vec<Edit<'a>>, most: usize) -> Vec<Vec<Edit<'a>>> {
    if edits.iter().map(Edit::size).sum::<usize>() <= most {
        return vec![edits];
    }
    let mut transactions: Vec<Vec<Edit<'a>>> = Vec::new();
    let mut room = 0;
    for edit in edits.iter_mut().filter(|edit| !edit.chains.is_empty()) {
        let chains = Edit {
            service: edit.service,
            chains: take(&mut edit.chains),
            ..Edit::default()
        };
        let size = chains.size();
        match transactions.last_mut() {
            Some(last) if size <= room => last.push(chains),
            _ => {
                transactions.push(vec![chains]);
                room = most;
            }
        }
        room = room.saturating_sub(size);
    }
    edits.retain(|edit| edit.size() > 0);
    transactions.push(edits);
    transactions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::OwnChain;

    #[test]
    fn chains_go_first_and_what_leads_to_them_goes_last() {
        let chains: Vec<OwnChain> = (0..10)
            .map(|number| OwnChain {
                name: format!("KUBE-SVC-{number}"),
                rules: vec!["-j RETURN".to_owned(); 9],
            })
            .collect();
        let edits: Vec<Edit<'_>> = chains
            .iter()
            .map(|chain| Edit {
                chains: vec![chain],
                lines: vec![("KUBE-SERVICES", "-j X")],
                ..Edit::default()
            })
            .collect();
        assert_eq!(split(edits.clone(), 1000), vec![edits.clone()]);
        let transactions = split(edits, 45);
        let sizes: Vec<Vec<usize>> = transactions
            .iter()
            .map(|all| all.iter().map(Edit::size).collect())
            .collect();
        assert_eq!(sizes, [vec![10; 4], vec![10; 4], vec![10; 2], vec![1; 10]]);
    }
}
