"""``format=flowed`` (RFC 3676): lines that a sender broke only for transport are joined again."""


def unflow(text: str, deletes_space: bool) -> str:
    """Join the soft-broken lines of ``text``; ``deletes_space`` is the parameter ``DelSp=yes``."""
    joined: list[list[str]] = []  # the pieces of each line to be
    open_depth: int | None = None  # quote depth of the line before, while that one waits for its continuation
    for line in text.split("\n"):
        depth, content = _split_quote(line)
        is_signature = content == "-- "
        is_soft = content.endswith(" ") and not is_signature
        kept = content[:-1] if is_soft and deletes_space else content
        if open_depth == depth and not is_signature:
            joined[-1].append(kept)
        else:
            joined.append([f"{'>' * depth} {kept}" if depth else kept])
        open_depth = depth if is_soft else None
    return "\n".join("".join(pieces) for pieces in joined)


def _split_quote(line: str) -> tuple[int, str]:
    """Depth of quotation and the line without its marks and its one stuffed space."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")
