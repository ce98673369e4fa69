"""Writes data/splits: python -m tools.split. Run once; the row ids are committed and tests guard them."""

from hybridlab import datasets, paths


SIZES = {"reviews": datasets.SPLITS, "birds": datasets.SPLITS, "hhs": {"tune": 99, "test": 100}}


def usable(name):
    rows = datasets.load(name)
    if name == "hhs":
        return rows[rows["text"].str.len() > 100]
    if name == "birds":
        return rows[rows["text"].str.split().str.len() >= datasets.MIN_WORDS]
    return rows


def main():
    for name, sizes in SIZES.items():
        table = datasets.make_split(usable(name), sizes)
        table.to_csv(paths.data("splits", f"{name}.csv"), index=False, lineterminator="\n")
        print(name, len(table))


if __name__ == "__main__":
    main()
