"""Runs a plan of models on Spark: the plans and the SQL that DuckDB runs on one machine, unchanged.

    spark-submit run_models.py --lake s3://bucket --sql s3://assets/sql.zip --plan plans/<run>/clean.json

It runs alike under plain spark-submit and as a Glue job, on folders and on s3:// addresses. The files that the models
make are written into the lake, and what was made of each model beside the plan, to `plans/<run>/clean.result.json`
(`EngineResult` of `src/domain/lake/run-plan.ts`). Where a model fails the exit code is 1 and the last line,
`run_models failed: …`, names it: no snapshot names what it wrote, and the plan may be run again.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from py4j.java_gateway import JavaObject, JVMView
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

# What makes Spark give the tables that DuckDB gives.
SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.session.timeZone": "UTC",
    # TIMESTAMP is a time without a zone, as in DuckDB and Redshift.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.compression.codec": "snappy",
    # Files go to their place as each task ends, not one after the other at the end: nobody reads them before a snapshot
    # names them. A task that is tried again writes the same names.
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    # Else Spark lists each of hundreds of folders in a task of its own.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "16",
    # Neither `_SUCCESS` nor `.crc` files: what lies in the lake is data.
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    # Spark's log quotes the data. What failed is said at the end, without it.
    "spark.log.level": "FATAL",
    "spark.executor.syncLogLevel.enabled": "true",
}

# Declared type -> Spark's name of it. Lines are read with the second: what is text in them is cast under ANSI rules.
TYPES = {
    "VARCHAR": ("string", "string"),
    "BIGINT": ("bigint", "bigint"),
    "DOUBLE": ("double", "double"),
    "BOOLEAN": ("boolean", "boolean"),
    "DATE": ("date", "string"),
    "TIMESTAMP": ("timestamp_ntz", "string"),
    "DECIMAL(18,4)": ("decimal(18,4)", "string"),
}

# Folder of the rows whose partition is NULL.
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"

# What may be said of an error whose message quotes the data: the first line of this table that fits it.
OWN_WORDS = (
    (
        r"CAST_INVALID_INPUT|CANNOT_PARSE",
        "a value cannot be read as the type that is asked for; try_cast makes it NULL",
    ),
    (r"OUT_OF_RANGE|OVERFLOW", "a number leaves the range of its type; cast it to a wider one first"),
    (r"DIVIDE_BY_ZERO", "a division by zero; divide by nullif(divisor, 0)"),
    (r"MALFORMED_RECORD_IN_PARSING", "a line is no JSON, or a value is not of its column's type"),
    (r"(?i)no space left on device", "no space is left on the disk; free some and run again"),
    (r"OutOfMemoryError|Java heap space", "memory is full; give Spark more of it"),
    (
        r"Unexpected end of input stream|EOFException|incorrect header check|ZipException",
        "a file is damaged or cut short",
    ),
    (r"FILE_NOT_EXIST|PATH_NOT_FOUND|FileNotFoundException|does not exist", "a file is missing"),
    (
        r"AccessDenied|AccessControlException|Permission denied|(?i:status code: 403)",
        "access is denied; check the rights of the job",
    ),
)

# What Spark and Hadoop throw.
FAILURES = (PySparkException, Py4JJavaError)


class Column(TypedDict):
    name: str
    type: str


class TableFile(TypedDict):
    key: str
    partition: str | None


class Without(TypedDict):
    files: list[str]
    origin: list[str]


class Input(TypedDict):
    """A view that a model reads: files, or what an earlier model of the plan wrote (`writtenBy`)."""

    columns: list[Column]
    format: NotRequired[str]
    files: NotRequired[list[TableFile]]
    day: NotRequired[str]
    onlyTouched: NotRequired[bool]
    without: NotRequired[Without]
    writtenBy: NotRequired[str]


class Touched(TypedDict):
    dates: NotRequired[list[str]]
    sql: NotRequired[str]


class Checks(TypedDict):
    together: str
    each: dict[str, str]
    refused: dict[str, str]


class Output(TypedDict):
    prefix: str
    columns: list[Column]
    partitionColumn: NotRequired[str]
    onlyTouched: NotRequired[bool]


class Model(TypedDict):
    """`ModelPlan` of `src/domain/lake/run-plan.ts`, where each field is explained."""

    table: str
    sql: str
    inputs: dict[str, Input]
    output: Output
    touched: NotRequired[Touched]
    counts: NotRequired[str]
    checks: NotRequired[Checks]
    arrivals: NotRequired[int]


class Plan(TypedDict):
    runId: str
    layer: str
    models: list[Model]


class WrittenFile(TableFile):
    bytes: int
    rows: int


class Measure(TypedDict):
    """What a check found, or why it could not run."""

    name: str
    rows: NotRequired[int]
    failures: NotRequired[int]
    error: NotRequired[str]


class Refused(TypedDict):
    key: str
    rows: dict[str, int]


class ModelResult(TypedDict):
    """As in `src/domain/lake/run-plan.ts`, where each field is explained."""

    table: str
    touched: list[str] | Literal["whole"]
    files: list[WrittenFile]
    rows: int
    counts: dict[str, int]
    checks: list[Measure]
    refused: NotRequired[Refused]
    seconds: float


class EngineResult(TypedDict):
    runId: str
    layer: str
    engine: Literal["spark"]
    models: list[ModelResult]


class ModelFailed(Exception):
    """A model, or a plan, that failed. The message names it and holds no value of the data."""


@dataclass
class Files:
    """Files below a folder or an address, by their keys, through Hadoop."""

    spark: SparkSession
    root: str

    def uri(self, key: str) -> str:
        return f"{self.root.rstrip('/')}/{key}"

    def pattern(self, key: str) -> str:
        """The address for Spark's readers, which take some characters for wildcards."""
        return re.sub(r"([\\{}\[\]*?,])", r"\\\1", self.uri(key))

    def read(self, key: str) -> bytes:
        system, path = self._at(key)
        stream = system.open(path)
        try:
            return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
        finally:
            stream.close()

    def write(self, key: str, parts: Iterable[str]) -> None:
        system, path = self._at(key)
        stream = system.create(path, True)
        try:
            for part in parts:
                stream.write(bytearray(part, "utf-8"))
        finally:
            stream.close()

    def exists(self, key: str) -> bool:
        system, path = self._at(key)
        return bool(system.exists(path))

    def delete(self, key: str) -> None:
        system, path = self._at(key)
        system.delete(path, True)

    def _at(self, key: str) -> tuple[JavaObject, JavaObject]:
        path = self._jvm.org.apache.hadoop.fs.Path(self.uri(key))
        return path.getFileSystem(self.spark.sparkContext._jsc.hadoopConfiguration()), path

    @property
    def _jvm(self) -> JVMView:
        jvm = self.spark.sparkContext._jvm
        assert jvm is not None, "a session has a Java machine"
        return jvm


class SqlFiles:
    """The texts of `sql/`, in a folder or in a zip archive of it."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        folder, _, name = root.rpartition("/")
        archive = io.BytesIO(Files(spark, folder).read(name)) if name.endswith(".zip") else None
        self._archive = zipfile.ZipFile(archive) if archive else None
        self._folder = Files(spark, root)

    def read(self, path: str) -> str:
        return (self._archive.read(path) if self._archive else self._folder.read(path)).decode("utf-8")


def define_functions(spark: SparkSession, sql: SqlFiles) -> None:
    """Makes the functions of the models known to the session."""
    for statement in sql.read("prelude/spark.sql").strip().removesuffix(";").split(";\n"):
        spark.sql(statement)


class Engine:
    """Runs the models of a plan in order, on one Spark session."""

    def __init__(self, spark: SparkSession, lake: Files, sql: SqlFiles, max_file_bytes: int) -> None:
        self._spark = spark
        self._lake = lake
        self._sql = sql
        self._max_file_bytes = max_file_bytes
        self._written: dict[str, list[WrittenFile]] = {}
        define_functions(spark, sql)

    def execute(self, plan: Plan) -> EngineResult:
        models: list[ModelResult] = []
        for model in plan["models"]:
            table = model["table"]
            try:
                made = self._execute_model(plan["runId"], model)
            except FAILURES as error:
                raise ModelFailed(f"{table}: {in_own_words(error, self._lake.root)}") from error
            say(f"{table}: {made['rows']} rows, {len(made['files'])} files, {made['seconds']:.1f} s")
            models.append(made)
        return {"runId": plan["runId"], "layer": plan["layer"], "engine": "spark", "models": models}

    def _execute_model(self, run_id: str, model: Model) -> ModelResult:
        started = time.monotonic()
        table, output = model["table"], model["output"]
        records = self._read_records(model)
        dates = self._touched_dates(model, records)
        self._create_views(model, records, dates)
        files = self._write(model)
        counts = self._counts(model)
        checks = self._measure_checks(model)
        # Counts and checks are of all that the records say; what is refused, of what this run writes.
        touched = model.get("touched", {}).get("dates", dates)
        files = self._keep_touched(output, files, touched or [])
        refused = self._write_refused_rows(run_id, model, checks)
        if records:
            records.unpersist()
        self._written[table] = files
        made: ModelResult = {
            "table": table,
            "touched": (touched or []) if "partitionColumn" in output else "whole",
            "files": files,
            "rows": sum(file["rows"] for file in files),
            "counts": counts,
            "checks": checks,
            "seconds": time.monotonic() - started,
        }
        if refused:
            made["refused"] = refused
        return made

    # ---- Inputs -----------------------------------------------------------------------------------------------------

    def _read_records(self, model: Model) -> DataFrame | None:
        """The raw records of a model that tells their day, held, since several statements ask for them."""
        for source in model["inputs"].values():
            if "day" in source:
                return self._frame(source).withColumn("day", f.expr(source["day"])).persist()
        return None

    def _touched_dates(self, model: Model, records: DataFrame | None) -> list[str] | None:
        """The days of the records, the plan's dates, or those that its SELECT finds; None without partitions."""
        if records:
            days = [row.day for row in records.select("day").distinct().collect()]
            if None in days:
                raise ModelFailed(f"{model['table']}: day must not be null")
            return sorted(map(str, days))
        touched = model.get("touched", {})
        if "sql" in touched:
            self._create_views(model, None, None)
            return sorted(str(row[0]) for row in self._spark.sql(self._sql.read(touched["sql"])).collect())
        return touched.get("dates")

    def _create_views(self, model: Model, records: DataFrame | None, dates: list[str] | None) -> None:
        """Registers a model's inputs; with `dates`, partitioned ones only as far as they belong to these."""
        for name, source in model["inputs"].items():
            frame = records.drop("day") if records and "day" in source else self._frame(source, dates)
            frame.createOrReplaceTempView(name)

    def _frame(self, source: Input, dates: list[str] | None = None) -> DataFrame:
        columns = source["columns"]
        files: list[TableFile] = [*self._written.get(source.get("writtenBy", ""), source.get("files", []))]
        is_partial = source.get("onlyTouched") or "writtenBy" in source
        if is_partial and dates is not None:
            files = [file for file in files if file["partition"] is None or file["partition"] in dates]
        keys = [file["key"] for file in files]
        if source.get("format") != "jsonl":
            return self._parquet(keys, columns)
        records = self._lines(keys, columns)
        return self._leave_out(records, source["without"], columns) if "without" in source else records

    def _leave_out(self, records: DataFrame, without: Without, columns: list[Column]) -> DataFrame:
        origin = without["origin"]
        named = [column for column in columns if column["name"] in origin]
        excluded = self._lines(without["files"], [*named, {"name": "redrive_count", "type": "BIGINT"}])
        same = [f.col(f"excluded.{column}") == f.col(f"records.{column}") for column in origin]
        same.append(f.col("excluded.redrive_count") == f.coalesce(f.col("records.redrive_count"), f.lit(0)))
        return records.alias("records").join(excluded.alias("excluded"), same, "left_anti")

    def _lines(self, keys: list[str], columns: list[Column]) -> DataFrame:
        """The rows of JSON Lines. A line that is none fails, rather than become a row of NULLs."""
        if not keys:
            return self._nothing(columns)
        schema = ", ".join(f"`{column['name']}` {TYPES[column['type']][1]}" for column in columns)
        lines = self._spark.read.schema(schema).json([self._lake.pattern(key) for key in keys], mode="FAILFAST")
        return lines.select([f.col(column["name"]).cast(spark_type(column)) for column in columns])

    def _parquet(self, keys: list[str], columns: list[Column]) -> DataFrame:
        """The rows of Parquet files; a column that a file was written without is NULL."""
        if not keys:
            return self._nothing(columns)
        return self._spark.read.schema(schema_of(columns)).parquet(*[self._lake.pattern(key) for key in keys])

    def _nothing(self, columns: list[Column]) -> DataFrame:
        nulls = ", ".join(f"cast(null as {spark_type(column)}) as `{column['name']}`" for column in columns)
        return self._spark.sql(f"select {nulls} where false")

    # ---- Output -----------------------------------------------------------------------------------------------------

    def _write(self, model: Model) -> list[WrittenFile]:
        """Writes the model's rows, one file a partition where that is not too large; refused where a type differs."""
        output = model["output"]
        rows = self._spark.sql(self._sql.read(model["sql"])).select([f.col(c["name"]) for c in output["columns"]])
        differing = [
            f"{column['name']} must be {column['type']}, got {declared_type(field.dataType.simpleString())}"
            for column, field in zip(output["columns"], rows.schema, strict=True)
            if field.dataType.simpleString() != spark_type(column)
        ]
        if differing:
            raise ModelFailed(f"{model['table']}: {'; '.join(differing)}. Cast it in sql/{model['sql']}")
        uri = self._lake.uri(output["prefix"])
        if "partitionColumn" in output:
            dated = rows.withColumn("dt", f.col(output["partitionColumn"]).cast("string"))
            dated.repartition("dt").write.mode("overwrite").partitionBy("dt").parquet(uri)
        else:
            rows.repartition(1).write.mode("overwrite").parquet(uri)
        files = self._split_large(output, self._list(output))
        if any(file["partition"] == NULL_PARTITION for file in files):
            raise ModelFailed(f"{model['table']}: {output.get('partitionColumn')} must not be null")
        return files

    def _result(self, output: Output) -> DataFrame:
        """What has been written, as the view `result`. Folder names are no columns: rows say where they belong."""
        reader = self._spark.read.schema(schema_of(output["columns"])).option("recursiveFileLookup", True)
        exists = self._lake.exists(output["prefix"])
        rows = reader.parquet(self._lake.pattern(output["prefix"])) if exists else self._nothing(output["columns"])
        rows.createOrReplaceTempView("result")
        return rows

    def _list(self, output: Output) -> list[WrittenFile]:
        """The files below the output's prefix that hold rows, by their keys."""
        prefix, is_partitioned = output["prefix"], "partitionColumn" in output
        rows = self._result(output)
        if not rows.inputFiles():
            return []
        found = rows.groupBy("_metadata.file_path", "_metadata.file_size").count().collect()
        files: list[WrittenFile] = []
        for path, size, count in found:
            *_, folder, name = path.split("/")
            key = f"{prefix}/{folder}/{name}" if is_partitioned else f"{prefix}/{name}"
            partition = folder.removeprefix("dt=") if is_partitioned else None
            files.append({"key": key, "partition": partition, "bytes": size, "rows": count})
        return sorted(files, key=lambda file: file["key"])

    def _split_large(self, output: Output, files: list[WrittenFile]) -> list[WrittenFile]:
        """Replaces each file that is too large by several."""
        large = [file for file in files if file["bytes"] > self._max_file_bytes and file["rows"] > 1]
        for file in large:
            # A little less, since not all rows are of one size.
            most = max(1, int(file["rows"] * self._max_file_bytes / file["bytes"] * 0.9))
            folder = file["key"].rpartition("/")[0]
            rows = self._parquet([file["key"]], output["columns"])
            rows.write.mode("append").option("maxRecordsPerFile", most).parquet(self._lake.uri(folder))
            self._lake.delete(file["key"])
        return self._split_large(output, self._list(output)) if large else files

    def _keep_touched(self, output: Output, files: list[WrittenFile], touched: list[str]) -> list[WrittenFile]:
        """Of what the model made, what is to be written: other dates keep the files that they have."""
        if not output.get("onlyTouched"):
            return files
        for file in files:
            if file["partition"] not in touched:
                self._lake.delete(file["key"])
        self._result(output)
        return [file for file in files if file["partition"] in touched]

    # ---- Counts and checks ------------------------------------------------------------------------------------------

    def _counts(self, model: Model) -> dict[str, int]:
        """The one row of the model's counts; its checks find it as `counts`, with the plan's `arrivals`."""
        counts: dict[str, int] = {}
        if "counts" in model:
            [row] = self._spark.sql(self._sql.read(model["counts"])).collect()
            counts = {name: int(count) for name, count in row.asDict().items()}
        columns = {**counts, "arrivals": model.get("arrivals", 0)}
        values = ", ".join(f"cast({count} as bigint) as `{name}`" for name, count in columns.items())
        self._spark.sql(f"select {values}").createOrReplaceTempView("counts")
        return counts

    def _measure_checks(self, model: Model) -> list[Measure]:
        checks = model.get("checks")
        if not checks:
            return []
        try:
            return self._measure(model["table"], checks["together"], [*checks["each"]])
        except FAILURES:
            # One check that cannot run hides what the others found.
            return [self._measure_alone(model["table"], name, sql) for name, sql in checks["each"].items()]

    def _measure_alone(self, table: str, name: str, statement: str) -> Measure:
        try:
            return self._measure(table, statement, [name])[0]
        except FAILURES as error:
            return {"name": name, "error": f"{table}: {in_own_words(error, self._lake.root)}"}

    def _measure(self, table: str, statement: str, names: list[str]) -> list[Measure]:
        row = self._spark.sql(statement).first()
        measured: dict[str, Any] = row.asDict() if row else {}
        return [
            {"name": name, "error": f"{table}: {name} gives no number"}
            if measured.get(name) is None
            else {"name": name, "rows": int(measured["judged_rows"]), "failures": int(measured[name])}
            for name in names
        ]

    def _write_refused_rows(self, run_id: str, model: Model, measures: list[Measure]) -> Refused | None:
        """Writes down which rows break a check that refuses them; None where there are none."""
        broken = {measure["name"] for measure in measures if measure.get("failures", 0) > 0}
        selects = {n: sql for n, sql in model.get("checks", {}).get("refused", {}).items() if n in broken}
        if not selects:
            return None
        frames = [self._spark.sql(sql).select(f.lit(name).alias("check_name"), "*") for name, sql in selects.items()]
        refused = frames[0]
        for frame in frames[1:]:
            refused = refused.unionAll(frame)
        key = f"plans/{run_id}/refused/{model['table']}.jsonl"
        rows: dict[str, int] = {}
        self._lake.write(key, self._told(refused, rows))
        if rows:
            return {"key": key, "rows": dict(sorted(rows.items()))}
        self._lake.delete(key)
        return None

    def _told(self, refused: DataFrame, rows: dict[str, int]) -> Iterator[str]:
        columns: list[Expression] = [f.col(name) for name in refused.columns]
        line = f.to_json(f.struct(*columns), {"ignoreNullFields": "false"})
        for name, text in refused.orderBy(*columns).select("check_name", line).toLocalIterator():
            rows[name] = rows.get(name, 0) + 1
            yield f"{text}\n"


def spark_type(column: Column) -> str:
    return TYPES[column["type"]][0]


def declared_type(name: str) -> str:
    """The name that contracts have for a type of Spark, whose own TIMESTAMP is not theirs; else what Spark calls it."""
    names = {known: declared for declared, (known, _) in TYPES.items()}
    return names.get(name, "TIMESTAMP WITH TIME ZONE" if name == "timestamp" else name.upper())


def schema_of(columns: list[Column]) -> str:
    return ", ".join(f"`{column['name']}` {spark_type(column)}" for column in columns)


def in_own_words(error: Exception, root: str) -> str:
    """What may be said of an error: all, where no data has been read yet, else its kind and the file that it names."""
    text = f"{error}\n{getattr(error, '_stackTrace', '')}"
    file = re.search(re.escape(root) + r"/([\w=./-]*\w)", text)
    where = f" ({file[1]})" if file else ""
    if isinstance(error, AnalysisException) and error.getCondition() != "PATH_NOT_FOUND":
        return str(error).strip().splitlines()[0]
    for pattern, words in OWN_WORDS:
        if re.search(pattern, text):
            return words + where
    condition = error.getCondition() if isinstance(error, PySparkException) else None
    return (condition or "Spark failed, in words that may quote the data") + where


def say(line: str) -> None:
    print(f"run_models: {line}", flush=True)


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Glue adds arguments of its own, which are left alone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    parser.add_argument("--lake", required=True, help="where the lake lies: a folder, or s3://bucket")
    parser.add_argument("--sql", required=True, help="the folder sql/, or a zip archive of it")
    parser.add_argument("--plan", required=True, help="the plan's key in the lake: plans/<run>/clean.json")
    parser.add_argument("--max-file-mb", type=float, default=128, help="a larger file becomes several (default: 128)")
    known, _ = parser.parse_known_args(arguments)
    return known


def open_session() -> SparkSession:
    builder = SparkSession.builder.appName("run_models")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def run(spark: SparkSession, arguments: list[str]) -> None:
    """Runs the plan that the arguments name. ModelFailed where it, or one of its models, fails."""
    given = parse_arguments(arguments)
    lake = Files(spark, given.lake)
    say(f"Spark {spark.version} runs {given.plan}")
    try:
        plan: Plan = json.loads(lake.read(given.plan))
        engine = Engine(spark, lake, SqlFiles(spark, given.sql), int(given.max_file_mb * 1024 * 1024))
        result = engine.execute(plan)
        lake.write(f"{given.plan.removesuffix('.json')}.result.json", [json.dumps(result)])
    except FAILURES as error:
        raise ModelFailed(f"{given.plan}: {in_own_words(error, given.lake)}") from error


def main(arguments: list[str], spark: SparkSession | None = None) -> None:
    """Runs the script to its end, on a session of its own unless one is given."""
    try:
        run(spark or open_session(), arguments)
    except ModelFailed as error:
        sys.exit(f"run_models failed: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
