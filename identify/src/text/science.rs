//! Molecules, sequences and bitmaps as text, each with a first line or an end of its own.

use super::decode::Text;

/// What the lines are.
pub(super) fn judge(first: &str, lines: &[&str], text: &Text) -> Option<&'static str> {
    if first.starts_with("HEADER    ")
        && lines.iter().any(|line| {
            line.starts_with("ATOM  ") || line.starts_with("COMPND") || line.starts_with("TITLE ")
        })
    {
        return Some("chemical/x-pdb");
    }
    if lines
        .iter()
        .any(|line| line.ends_with("V2000") || line.ends_with("V3000"))
        && text.body.contains("M  END")
    {
        return Some(if text.body.contains("$$$$") {
            "chemical/x-mdl-sdfile"
        } else {
            "chemical/x-mdl-molfile"
        });
    }
    if first.starts_with("LOCUS       ") {
        return Some("chemical/seq-na-genbank");
    }
    let bases = |line: &&str| {
        line.bytes().all(|byte| {
            byte.is_ascii_uppercase() || matches!(byte, b'*' | b'-') || b"acgtun".contains(&byte)
        })
    };
    if first.starts_with('>')
        && lines.len() >= 2
        && lines[1].len() >= 10
        && !lines[1].starts_with('>')
        && lines[1..]
            .iter()
            .filter(|line| !line.starts_with('>'))
            .all(bases)
    {
        return Some("chemical/seq-aa-fasta");
    }
    if first.starts_with("##fileformat=VCF") {
        return Some("text/x-vcf");
    }
    let defines: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("#define "))
        .take(2)
        .collect();
    let bitmap = first.starts_with(['#', '/'])
        && matches!(defines.as_slice(), [width, height]
            if width.contains("_width ") && height.contains("_height "))
        && text.body.contains("_bits[]");
    if bitmap {
        return Some("image/x-xbitmap");
    }
    if text.body.contains("/* XPM */")
        && lines.iter().take(3).any(|line| line.contains("XPM"))
        && first.starts_with("/*")
    {
        return Some("image/x-xpixmap");
    }
    None
}
