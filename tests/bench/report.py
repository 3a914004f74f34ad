"""The lines of the report: a figure, its budget, and whether it is met."""


def header(title: str) -> None:
    """Print the title of a part."""
    print(f"\n{title}", flush=True)


def line(name: str, value: float, unit: str, *, most: float | None = None, note: str = "") -> bool:
    """Print a figure, and return whether it is within its budget."""
    is_met = most is None or value <= most
    verdict = "" if most is None else f"   budget {most:g} {unit}: {'met' if is_met else 'MISSED'}"
    print(f"  {name:48} {value:9.3f} {unit}{verdict}{f'   {note}' if note else ''}", flush=True)
    return is_met
