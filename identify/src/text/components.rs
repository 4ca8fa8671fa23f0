//! Components of interfaces, which are pages' elements with a program beside a template.

use crate::finding::Finding;

/// A component of Vue or Svelte: a script and a template, each at the beginning of a line.
pub(super) fn judge(body: &str, first: &str) -> Option<Finding> {
    if !matches!(first, "template" | "script" | "style") {
        return None;
    }
    let opens = |tag: &str| {
        body.match_indices(tag)
            .any(|(at, _)| at == 0 || body.as_bytes()[at - 1] == b'\n')
    };
    if opens("<template") && opens("</template>") && (opens("<script") || opens("<style")) {
        return Some(Finding::certain("text/x-vue"));
    }
    let marks = [
        "{#if ",
        "{#each ",
        "{#await ",
        "bind:",
        " on:click",
        "\n\t$: ",
        "export let ",
    ];
    let page = ["<html", "<HTML", "<head", "<body"];
    let svelte = first == "script"
        && body.contains("</script>")
        && marks.iter().any(|mark| body.contains(mark))
        && !page.iter().any(|tag| body.contains(tag));
    svelte.then(|| Finding::certain("text/x-svelte"))
}
