"""A name in code letters that the site tells of becomes a link: `mask_of`, `bp.fit`, `LSTM`."""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

LINKS = (nodes.reference, nodes.title, addnodes.pending_xref, addnodes.desc_signature)


class Names(SphinxPostTransform):
    """Links names to what describes them."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs):
        """Replace each literal that is a public name."""
        known = self.env.get_domain("py").objects
        short = {}
        for full in known:
            if full.count(".") <= 2 and full.split(".")[-1] not in short:
                short[full.split(".")[-1]] = full
        for node in list(self.document.findall(nodes.literal)):
            if _inside(node) or node.get("classes"):
                continue
            text = node.astext().removesuffix("()")
            bare = text.removeprefix("bp.").removeprefix("backprop.")
            full = f"backprop.{bare}"
            if full not in known and text[:1].isupper() and "." not in text:
                full = short.get(text, "")
            entry = known.get(full)
            if entry is None or entry.docname == self.env.docname:
                continue
            uri = self.app.builder.get_relative_uri(self.env.docname, entry.docname)
            link = nodes.reference("", "", internal=True, refuri=f"{uri}#{entry.node_id}")
            node.replace_self(link)
            link += node


def _inside(node):
    """Return whether a node is in a link, a heading or the head of a description."""
    around = node.parent
    while around is not None:
        if isinstance(around, LINKS):
            return True
        around = around.parent
    return False


def setup(app):
    """Register the transform."""
    app.add_post_transform(Names)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
