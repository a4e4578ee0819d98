//! The table of `stats`, as fail2ban 1.1 draws it.

/// Six cells a row: jail, backend, failed now and in all, banned now and in all.
pub(super) fn table(rows: &[[String; 6]]) -> String {
    let mut widths = [8, 8, 3, 3, 3, 3];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let [jail, backend, failed, failed_total, banned, banned_total] = widths;
    let (filter, actions) = (3 + failed + failed_total, 3 + banned + banned_total);
    let line = |row: [&str; 6]| {
        format!(
            " {:<jail$} ║ {:<backend$} ║ {:>failed$} │ {:>failed_total$} ║ {:>banned$} │ \
             {:>banned_total$}",
            row[0], row[1], row[2], row[3], row[4], row[5],
        )
    };
    let rule = |cross: &str| {
        let parts = [jail, backend, filter, actions].map(|width| "═".repeat(width));
        format!("═{}═", parts.join(&format!("═{cross}═")))
    };
    let (thin_filter, thin_actions) = ("─".repeat(filter), "─".repeat(actions));
    let mut lines = vec![
        format!(
            " {:<jail$} ║ {:<backend$} ║ {:<filter$} ║ {:<actions$}",
            "", "", "Filter", "Actions"
        ),
        format!(" {:<jail$} ║ {:<backend$} ╟─{thin_filter}─╫─{thin_actions}─", "Jail", "Backend"),
        line(["", "", "cur", "tot", "cur", "tot"]),
        rule("╬"),
    ];
    lines.extend(rows.iter().map(|row| line(row.each_ref().map(String::as_str))));
    lines.push(rule("╩"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_wide_as_its_cells() {
        let row = |cells: [&str; 6]| cells.map(str::to_owned);
        let shown = table(&[
            row(["sshd", "systemd", "3", "1234", "12", "24"]),
            row(["a-long-name", "pyinotify", "0", "0", "0", "0"]),
        ]);
        let expected = "\
\x20            ║           ║ Filter     ║ Actions  
\x20Jail        ║ Backend   ╟────────────╫───────────
\x20            ║           ║ cur │  tot ║ cur │ tot
═════════════╬═══════════╬════════════╬═══════════
\x20sshd        ║ systemd   ║   3 │ 1234 ║  12 │  24
\x20a-long-name ║ pyinotify ║   0 │    0 ║   0 │   0
═════════════╩═══════════╩════════════╩═══════════";
        assert_eq!(shown, expected);
    }
}
