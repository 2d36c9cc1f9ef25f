#!/usr/bin/python3
"""The whole example on made ratings: run.py ends well, and with a file that is missing says so.

FOLDER is emptied first. Exit code 77: skipped, a package is missing.
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def make_data(folder):
    """Ratings of the same form, in which users like one genre."""
    folder.mkdir(parents=True)
    draw = random.Random(1)
    genres = ["Drama", "Comedy", "Action"]
    films = {str(film): draw.choice(genres) for film in range(1, 31)}
    users = {str(user): draw.choice(genres) for user in range(1, 21)}
    items = [f"{film}\tTitle {film}\t1995\t{genre} War" for film, genre in films.items()]
    people = [f"{user}\t{20 + int(user)}\t{'MF'[int(user) % 2]}\tother\t12345" for user in users]
    ratings = []
    for time in range(600):
        user, film = draw.choice(list(users)), draw.choice(list(films))
        stars = draw.choice([4, 5] if users[user] == films[film] else [1, 2, 3])
        ratings.append(f"{user}\t{film}\t{stars}\t{881000000 + time}")
    for name, heading, lines in (
            ("item", "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq", items),
            ("user", "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token", people),
            ("inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float", ratings)):
        (folder / f"ml-100k.{name}").write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")


def run(folder):
    return subprocess.run([sys.executable, "-B", HERE / "run.py", "--data", folder / "data", "--work", folder / "work",
                           "--epochs", "2", "--batch", "32"], capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    try:
        import numpy, torch  # noqa: E401, F401
    except ImportError as error:
        print(f"skipped: {error}")
        sys.exit(77)
    shutil.rmtree(folder, ignore_errors=True)
    make_data(folder / "data")
    done = run(folder)
    print(done.stdout, done.stderr)
    if done.returncode != 0 or "largest difference" not in done.stdout:
        sys.exit(f"error: run.py ended with {done.returncode}")
    (folder / "data" / "ml-100k.user").unlink()
    if "ml-100k.user" not in run(folder).stderr:
        sys.exit("error: a missing file is not named")


if __name__ == "__main__":
    main()
