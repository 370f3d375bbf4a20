"""One Spark session for tests, with the settings and functions of `run_models.py`. Its argument: the folder `sql/`.

Answers requests until its input ends, each a JSON document on a line of its own:

    {"views": {"raw_sales": "select …"}, "result": "select …", "select": "select …"}
        ->  {"columns": […], "types": […], "rows": [[…], …]}; the view `result` may read the others, and may be absent
    {"arguments": ["--lake", "…", …]}
        ->  {"status": 0, "stdout": "…", "stderr": "…"}, as the script ends on its command line

Types are named as contracts name them; values are text, but a DOUBLE is a number. What fails answers {"error": "…"}.
"""

from __future__ import annotations

import io
import json
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from decimal import Decimal
from typing import Any

import run_models
from pyspark.sql import DataFrame, SparkSession


class Views:
    """Temporary views of a session. One that stays is left alone: to make it takes longer than to ask it."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._made: dict[str, str] = {}

    def make(self, selects: dict[str, str]) -> None:
        for name, select in selects.items():
            if self._made.get(name) != select:
                self._spark.sql(select).createOrReplaceTempView(name)
                self._made[name] = select


def rows_of(frame: DataFrame) -> dict[str, Any]:
    types = [run_models.declared_type(field.dataType.simpleString()) for field in frame.schema]
    return {
        "columns": frame.columns,
        "types": types,
        "rows": [[shown(value) for value in row] for row in frame.collect()],
    }


def shown(value: object) -> str | float | None:
    """A value as text. Not cast in Spark, which would take it as long again to plan the whole SELECT."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, datetime):
        text = value.isoformat(sep=" ")
        return text.rstrip("0") if value.microsecond else text
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def run_script(spark: SparkSession, arguments: list[str]) -> dict[str, Any]:
    stdout, stderr, status = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            # A session of its own, as the script would open: views and functions of another run are unknown to it.
            run_models.main(arguments, spark.newSession())
        except SystemExit as end:
            status = 1
            print(end.code, file=sys.stderr)
        except run_models.FAILURES:
            status = 1
            traceback.print_exc()
    return {"status": status, "stdout": stdout.getvalue(), "stderr": stderr.getvalue()}


def main() -> None:
    spark = run_models.open_session()
    run_models.define_functions(spark, run_models.SqlFiles(spark, sys.argv[1]))
    views = Views(spark)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "arguments" in request:
                answer = run_script(spark, request["arguments"])
            else:
                views.make(request["views"])
                if "result" in request:
                    spark.sql(request["result"]).createOrReplaceTempView("result")
                answer = rows_of(spark.sql(request["select"]))
        except run_models.FAILURES as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
