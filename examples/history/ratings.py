"""MovieLens 100K as impressions in their order, with what the user had liked before."""

import csv
import pathlib

LENGTH = 50  # of a history: the films last liked, the latest first
FIELDS = ["age", "gender", "occupation", "film", "genre", "films", "genres"]
LABELS = ["like", "love"]  # a rating of 4 or 5; of 5


def read_table(path):
    """Rows as dicts, by the names in front of the types."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        names = [cell.split(":")[0] for cell in next(rows)]
        return [dict(zip(names, row)) for row in rows]


def impressions(folder):
    """[(raw row, [like, love])], the earliest first. A raw row has FIELDS; of a history a list."""
    folder = pathlib.Path(folder)
    users = {row["user_id"]: row for row in read_table(folder / "ml-100k.user")}
    genres = {row["item_id"]: row["class"].split(" ")[0] for row in read_table(folder / "ml-100k.item")}
    ratings = sorted(read_table(folder / "ml-100k.inter"), key=lambda row: (float(row["timestamp"]), row["item_id"]))
    liked, result = {}, []
    for rating in ratings:
        user, film, stars = users[rating["user_id"]], rating["item_id"], float(rating["rating"])
        before = liked.setdefault(rating["user_id"], [])
        result.append(({"age": user["age"], "gender": user["gender"], "occupation": user["occupation"], "film": film,
                        "genre": genres[film], "films": list(before), "genres": [genres[each] for each in before]},
                       [float(stars >= 4), float(stars >= 5)]))
        if stars >= 4:
            liked[rating["user_id"]] = [film, *before][:LENGTH]
    return result


def vocabularies(rows):
    """{field: values, in their order}: what training knows. Ids count from 1; 0 is padding, and what it does not know."""
    found = {field: {} for field in ("gender", "occupation", "film", "genre")}
    for row, _ in rows:
        for field, values in found.items():
            values.setdefault(row[field])
        for each, field in (("films", "film"), ("genres", "genre")):
            for value in row[each]:
                found[field].setdefault(value)
    return {field: sorted(values) for field, values in found.items()}


def write_rows(rows, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for row, _ in rows:
            writer.writerow("|".join(row[f]) if isinstance(row[f], list) else row[f] for f in FIELDS)
