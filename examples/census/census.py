"""The UCI Census-Income (KDD) table: its columns, labels and split. Standard library only."""

import gzip
import os
import pathlib
import zlib

FILE_NAME = "census-income.test.gz"

COLUMNS = """
age class_of_worker detailed_industry detailed_occupation education wage_per_hour
enrolled_in_education marital_status major_industry major_occupation race hispanic_origin sex
labor_union unemployment_reason employment_status capital_gains capital_losses stock_dividends
tax_filer_status previous_region previous_state household_status household_summary instance_weight
migration_msa migration_region migration_within_region same_house_1_year_ago migration_sunbelt
employer_size family_members_under_18 father_country mother_country birth_country citizenship
self_employed veteran_questionnaire veteran_benefits weeks_worked year income
""".split()

CONTINUOUS = {"age", "wage_per_hour", "capital_gains", "capital_losses", "stock_dividends",
              "employer_size", "weeks_worked"}

# Codes: their numbers name categories and measure nothing.
INTEGER_CATEGORIES = {"detailed_industry", "detailed_occupation", "self_employed",
                      "veteran_benefits", "year"}

# Labels, and the survey's sampling weight, which says nothing about the person.
NOT_INPUTS = {"education", "marital_status", "income", "instance_weight"}

INPUTS = [name for name in COLUMNS if name not in NOT_INPUTS]

COLLEGE = {
    "Some college but no degree",
    "Associates degree-occup /vocational",
    "Associates degree-academic program",
    "Bachelors degree(BA AB BS)",
    "Masters degree(MA MS MEng MEd MSW MBA)",
    "Prof school degree (MD DDS DVM LLB JD)",
    "Doctorate degree(PhD EdD)",
}

LABELS = {
    "income_over_50k": lambda row: "50000+" in row["income"],
    "never_married": lambda row: row["marital_status"] == "Never married",
    "college": lambda row: row["education"] in COLLEGE,
}

# The two problems of section 5.3 of the MMoE paper, main task first.
GROUPS = {1: ["income_over_50k", "never_married"], 2: ["college", "never_married"]}

SPLITS = {"train": {0, 1, 2, 3}, "validation": {4}, "test": {5}}


def find_data(directory=None):
    """The data file in `directory`, or else next to the repository, or in $MMOE_CENSUS_DIR."""
    if directory:
        places = [pathlib.Path(directory)]
    else:
        root = pathlib.Path(__file__).resolve().parents[2]
        places = [root.parent / "shared" / "data" / "census"]
        if os.environ.get("MMOE_CENSUS_DIR"):
            places.append(pathlib.Path(os.environ["MMOE_CENSUS_DIR"]))
    for place in places:
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
    looked = ", ".join(str(place) for place in places)
    raise SystemExit(f"error: no {FILE_NAME} in {looked}. Get it from the UCI repository "
                     "(Census-Income KDD) and pass --data DIR or set MMOE_CENSUS_DIR.")


def readable(path, lines):
    """The lines; an error that names the file where it is cut off or is no such file."""
    try:
        yield from lines
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise SystemExit(f"error: {path}: {error}") from error


def read_rows(path, split):
    """The rows of a split in file order, as dicts of text without the padding blanks."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for number, line in enumerate(readable(path, lines)):
            if number % 6 not in SPLITS[split]:
                continue
            fields = [field.strip() for field in line.split(",")]
            if len(fields) != len(COLUMNS):
                raise SystemExit(f"error: {path}, line {number + 1}: {len(fields)} columns, "
                                 f"expected {len(COLUMNS)}")
            yield dict(zip(COLUMNS, fields))
