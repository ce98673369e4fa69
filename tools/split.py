"""Writes data/splits: python -m tools.split. Run once; the row ids are committed and tests guard them."""

from hybridlab import datasets, paths


def usable(name):
    rows = datasets.load(name)
    if name == "birds":
        return rows[rows["text"].str.split().str.len() >= datasets.MIN_WORDS]
    return rows


def main():
    for name in ("reviews", "birds"):
        table = datasets.make_split(usable(name))
        table.to_csv(paths.data("splits", f"{name}.csv"), index=False, lineterminator="\n")
        print(name, len(table))


if __name__ == "__main__":
    main()
