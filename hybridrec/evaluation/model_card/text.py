"""A model card as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hybridrec.evaluation.report.markdown import escaped
from hybridrec.evaluation.report.words import counted, listed

_RELATIONS = 20  # shown
_PLACEHOLDER = (
    "_Not filled in._ Say for whom and for what the model is meant, what it must not be used for,"
    " and whom its lists concern; `hybridrec card MODEL --card-notes FILE` puts a text here."
)
_NOT_MEASURED = "Not measured. Run `hybridrec evaluate` on data that the model was not fitted on."

Content = Mapping[str, Any]


def markdown(content: Content, *, changed: bool) -> str:
    """Return a card as Markdown."""
    now, fit = content["now"], content["fit"] or {}
    sections = {
        "Model": _model(now, fit, changed=changed),
        "Intended use": iter([fit.get("notes") or _PLACEHOLDER]),
        "Data": _data(now, fit, changed=changed),
        "Side information": _side_information(now),
        "Measured": _measured(now, fit),
        "Groups": _groups(now, fit),
        "Lists": _lists(now),
        "Limits": _limits(now, fit),
    }
    parts = [f"# Model card: {escaped(now['model']['name'])}"]
    for title, blocks in sections.items():
        parts += [f"## {title}", *(block.strip() for block in blocks)]
    return "\n\n".join(parts) + "\n"


def _model(now: Content, fit: Content, *, changed: bool) -> Iterator[str]:
    model = now["model"]
    points = [f"{model['class']}: {model['about']}"]
    if fit.get("created"):
        made = f" with hybridrec {fit['version']}" if fit.get("version") else ""
        points.append(f"Fitted on {fit['created']}{made}.")
    else:
        points.append("When it was fitted is not recorded.")
    points.append(f"Fingerprint of its users, items and interactions: {now['fingerprint']}.")
    if changed:
        points.append(
            "Changed since the fit (interactions or items added, or users removed): measurements"
            f" below are of the data with the fingerprint {fit['fingerprint']}."
        )
    yield _points(points)
    yield _parameters(model)
    for member in model["members"]:
        yield f"Member {escaped(member['name'])}:"
        yield _parameters(member)


def _parameters(model: Content) -> str:
    rows = [[name, str(value)] for name, value in model["params"].items()]
    return _table(["parameter", "value"], rows) if rows else "No parameters."


def _data(now: Content, fit: Content, *, changed: bool) -> Iterator[str]:
    data = fit.get("data") or {}
    sizes = (
        f"{counted(now['users'], 'user')}, {counted(now['items'], 'item')},"
        f" {counted(now['interactions'], 'interaction')}"
    )
    points = [f"Name: {data['name']}."] if data else []
    points.append(f"{'Now holds' if changed else 'Holds'} {sizes}.")
    if changed and data:
        points.append(
            f"At the fit: {data['users']:,} users, {data['items']:,} items,"
            f" {data['interactions']:,} interactions."
        )
    if data.get("first"):
        points.append(f"Interactions of the fit are from {data['first']} to {data['last']}.")
    if data.get("licence"):
        points.append(f"Terms of the data: {data['licence']}.")
        points.append(f"Cite: {data['citation']}")
    if not data:
        points.append("Where it comes from is not recorded.")
    yield _points(points)
    cleaning = fit.get("cleaning")
    if cleaning:
        rows = [
            [what, f"{cleaning[f'{what}_before']:,}", f"{cleaning[f'{what}_after']:,}"]
            for what in ("rows", "users", "items")
        ]
        yield _table(["cleaning", "before", "after"], rows, numbers=True)
        dropped = [f"{reason}: {count:,}" for reason, count in cleaning["dropped"].items()]
        if dropped:
            yield f"Rows dropped: {escaped(', '.join(dropped))}."


def _side_information(now: Content) -> Iterator[str]:
    blocks = [
        [side, one["block"], f"{one['width']:,}", f"{one['weight']:g}" if one["weight"] else "off"]
        for side in ("item", "user")
        for one in now[f"{side}_features"]
    ]
    if blocks:
        yield _table(["side", "features", "columns", "weight"], blocks)
    else:
        yield "The model uses no features by name."
    yield _user_columns(now["user_columns"])
    knowledge = now["knowledge"]
    if knowledge is None:
        yield "No knowledge graph."
        return
    share = knowledge["linked_items"] / max(1, now["items"])
    yield (
        f"Knowledge graph: {knowledge['triples']:,} triples, {knowledge['entities']:,} entities,"
        f" from {escaped(listed(knowledge['sources']))}; {knowledge['linked_items']:,} items"
        f" ({share:.0%}) are linked to it. Explanations name its facts; the model learned from it"
        " only where features above say so."
    )
    counts = sorted(knowledge["relations"].items(), key=lambda one: -one[1])
    late = set(knowledge["after_release"])
    rows = [
        [name, f"{count:,}", "known only after release" if name in late else ""]
        for name, count in counts[:_RELATIONS]
    ]
    yield _table(["relation", "triples", ""], rows)
    if len(counts) > _RELATIONS:
        yield f"and {len(counts) - _RELATIONS} more relations."


def _user_columns(columns: Sequence[str]) -> str:
    if columns:
        named = escaped(", ".join(columns))
        return (
            f"Columns of the user table that the model uses: {named}. Whether any of them is"
            " sensitive (gender, age, origin), or stands for something that is, is for you to say."
        )
    return (
        "The model uses no column that describes users, and so no sensitive attribute; what people"
        " like can still tell such attributes."
    )


def _measured(now: Content, fit: Content) -> Iterator[str]:
    measured = fit.get("measured") or []
    if not measured:
        yield _NOT_MEASURED
    for one in measured:
        yield f"{escaped(one['about'])} ({one['date']}{_of_other_data(one, now)})."
        views = list(dict.fromkeys(view for means in one["rows"].values() for view in means))
        rows = [
            [label, *(_number(means.get(view)) for view in views)]
            for label, means in one["rows"].items()
        ]
        if rows:
            yield _table(["", *views], rows, numbers=True)
        if one["findings"]:
            yield _points(one["findings"])
    if any(one["then_all"] for one in measured):
        yield (
            "The model itself was then fitted on all of the data, of which nothing is left to test"
            " it on."
        )


def _groups(now: Content, fit: Content) -> Iterator[str]:
    groups = fit.get("groups")
    if not groups:
        yield (
            "Not measured by groups of users and items. Run"
            " `hybridrec evaluate --group users:activity --group items:popularity`."
        )
        return
    about = f"Measured on {groups['date']}{_of_other_data(groups, now)}"
    yield f"{about}; intervals of 95 % over users."
    for name in dict.fromkeys(row["grouping"] for row in groups["rows"]):
        same = [row for row in groups["rows"] if row["grouping"] == name]
        of_items = name.startswith("items:")
        metric = f"{same[0]['metric']}@{same[0]['k']}"
        header = ["group", "model", "size", metric, "interval", "gap to the rest", "p (Holm)"]
        rows = [
            [
                *(row["group"], row["model"], f"{row['members']:,.0f}", _number(row["value"])),
                f"{_number(row['low'])} to {_number(row['high'])}",
                *(_number(row["gap"]), _number(row["p_holm"]) or "too few to test"),
                *([_number(row["ratio"])] if of_items else []),
            ]
            for row in same
        ]
        yield f"{escaped(name)}:"
        yield _table([*header, *(["exposure ratio"] if of_items else [])], rows)


def _lists(now: Content) -> Iterator[str]:
    lists = now["lists"]
    if lists is None:
        yield "The model knows no user, whose list could be looked at."
        return
    popularity, own = lists["average_popularity"], lists["average_popularity_of_histories"]
    times = f", {popularity / own:.1f} times as much" if own else ""
    points = [
        f"An item in the lists has {popularity:,.1f} users on average, one in the histories of the"
        f" same users {own:,.1f}{times}: lists that favour the popular have more.",
        f"Gini index of exposure: {lists['gini']:.3f} (0: all items alike, 1: one item).",
        f"{lists['coverage']:.1%} of the items that can be recommended are in some list.",
    ]
    if lists["empty"]:
        points.append(f"{counted(lists['empty'], 'user')} of the sample got an empty list.")
    yield f"Lists of {lists['k']} of {counted(lists['users'], 'user')}, looked at for this card:"
    yield _points(points)


def _limits(now: Content, fit: Content) -> Iterator[str]:
    unscorable = now["unscorable_items"]
    new_users = (
        "Users without a history are placed by their features"
        if any(one["weight"] for one in now["user_features"])
        else "Users without a history get the popular items"
    )
    points = [
        f"{new_users}; a history given with the question is used.",
        f"{now['users_served_popular']:,} of {now['users']:,} known users are served the popular"
        " items, as nothing is known of them that the model can use.",
        "New items can be added by their features, without interactions."
        if now["places_new_items"]
        else "New items cannot be recommended before somebody has used them and the model is"
        " updated or fitted again.",
        f"{now['items_without_users']:,} items have no interaction; {unscorable:,} of"
        f" {now['items']:,} items can never be recommended as nothing is known of them.",
    ]
    data = fit.get("data") or {}
    if data.get("non_commercial"):
        points.append(
            f"The data {data['name']} is for non-commercial use only: read its terms before a"
            " model made of it is put to use."
        )
    late = (now["knowledge"] or {}).get("after_release", [])
    if late:
        points.append(
            f"Relations known only after an item's release: {', '.join(late)}. Figures of new items"
            " that rest on them are too good."
        )
    points += [f"Leakage: {leak}." for leak in fit.get("leaks") or []]
    points.append(
        "It learned what people did with what they were shown: tastes of active users and popular"
        " items weigh most."
    )
    yield _points(points)


def _of_other_data(measured: Content, now: Content) -> str:
    """Say so if the model has changed since it was measured."""
    if measured["fingerprint"] == now["fingerprint"]:
        return ""
    return f", when the data had the fingerprint {measured['fingerprint']}"


def _points(points: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(point)}" for point in points)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> str:
    rule = ["---", *(["---:" if numbers else "---"] * (len(header) - 1))]
    lines = [map(escaped, header), rule, *(map(escaped, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
