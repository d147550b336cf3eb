//! Rows as CSV, as an Arrow IPC stream or as Parquet, piece by piece: what is written is taken out before more is made.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::value::{Account, Address, Amount, Hash, Timestamp};

/// Rows of a Parquet row group: the most that is held in memory at once.
const MAX_GROUP_ROWS: usize = 65_536;

/// `csv`: text with a line of names. `arrow`: an Arrow IPC stream. `parquet`: a Parquet file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    #[default]
    Csv,
    Arrow,
    Parquet,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Arrow => "arrows",
            Self::Parquet => "parquet",
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    Text,
    Integer,
    Real,
    Flag,
    /// Milliseconds since 1970, UTC; RFC 3339 in CSV.
    Time,
}

/// A value of a row.
pub(super) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Real(f64),
    Flag(bool),
    Time(Timestamp),
}

pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) holds: Type,
}

/// What can stand in a cell.
pub(super) trait Value {
    const TYPE: Type;

    fn cell(self) -> Cell;
}

macro_rules! values {
    ($($type:ty: $holds:ident, $value:ident => $cell:expr;)*) => {
        $(impl Value for $type {
            const TYPE: Type = Type::$holds;

            fn cell(self) -> Cell {
                let $value = self;
                $cell
            }
        })*
    };
}

values! {
    String: Text, value => Cell::Text(value);
    Address: Text, value => Cell::Text(value.to_string());
    Hash: Text, value => Cell::Text(value.to_string());
    Account: Text, value => Cell::Text(value.to_string());
    Amount: Text, value => Cell::Text(value.to_string());
    i64: Integer, value => Cell::Integer(value);
    i32: Integer, value => Cell::Integer(value.into());
    i16: Integer, value => Cell::Integer(value.into());
    f64: Real, value => Cell::Real(value);
    bool: Flag, value => Cell::Flag(value);
    Timestamp: Time, value => Cell::Time(value);
}

impl<T: Value> Value for Option<T> {
    const TYPE: Type = T::TYPE;

    fn cell(self) -> Cell {
        self.map_or(Cell::Null, T::cell)
    }
}

/// Takes what a writer writes, for whoever drains it.
#[derive(Clone, Default)]
pub(super) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn drain(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Writer {
    Csv,
    Arrow(Box<StreamWriter<Buffer>>),
    Parquet(Box<ArrowWriter<Buffer>>),
}

/// Makes bytes of rows.
pub(super) struct Encoder {
    columns: &'static [Column],
    schema: Arc<Schema>,
    writer: Writer,
    buffer: Buffer,
}

impl Encoder {
    /// Facts about the whole go where the format has a place for them.
    pub(super) fn new(
        format: Format,
        columns: &'static [Column],
        facts: Vec<(String, String)>,
    ) -> anyhow::Result<Self> {
        let fields: Vec<Field> = columns.iter().map(Column::field).collect();
        let schema = Arc::new(Schema::new_with_metadata(
            fields,
            facts.iter().cloned().collect::<HashMap<_, _>>(),
        ));
        let mut buffer = Buffer::default();
        let writer = match format {
            Format::Csv => {
                let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
                buffer.write_all((names.join(",") + "\r\n").as_bytes())?;
                Writer::Csv
            }
            Format::Arrow => Writer::Arrow(Box::new(StreamWriter::try_new(buffer.clone(), &schema)?)),
            Format::Parquet => {
                let facts = facts
                    .into_iter()
                    .map(|(key, value)| KeyValue::new(key, value))
                    .collect();
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_max_row_group_row_count(Some(MAX_GROUP_ROWS))
                    .set_created_by(concat!("plumbline ", env!("CARGO_PKG_VERSION")).to_owned())
                    .set_key_value_metadata(Some(facts))
                    .build();
                let writer = ArrowWriter::try_new(buffer.clone(), schema.clone(), Some(properties))?;
                Writer::Parquet(Box::new(writer))
            }
        };
        Ok(Self {
            columns,
            schema,
            writer,
            buffer,
        })
    }

    pub(super) fn write(&mut self, rows: Vec<Vec<Cell>>) -> anyhow::Result<Vec<u8>> {
        match &mut self.writer {
            Writer::Csv => {
                for row in &rows {
                    let line: Vec<String> = row.iter().map(Cell::csv).collect();
                    self.buffer.write_all((line.join(",") + "\r\n").as_bytes())?;
                }
            }
            Writer::Arrow(writer) => writer.write(&batch(self.columns, &self.schema, rows)?)?,
            Writer::Parquet(writer) => writer.write(&batch(self.columns, &self.schema, rows)?)?,
        }
        Ok(self.buffer.drain())
    }

    pub(super) fn finish(self) -> anyhow::Result<Vec<u8>> {
        match self.writer {
            Writer::Csv => {}
            Writer::Arrow(mut writer) => writer.finish()?,
            Writer::Parquet(writer) => {
                writer.close()?;
            }
        }
        Ok(self.buffer.drain())
    }
}

impl Column {
    fn field(&self) -> Field {
        let holds = match self.holds {
            Type::Text => DataType::Utf8,
            Type::Integer => DataType::Int64,
            Type::Real => DataType::Float64,
            Type::Flag => DataType::Boolean,
            Type::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        };
        Field::new(self.name, holds, true)
    }
}

impl Cell {
    /// As RFC 4180 writes it.
    fn csv(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) if text.contains([',', '"', '\r', '\n']) => format!("\"{}\"", text.replace('"', "\"\"")),
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(time) => time.to_string(),
        }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Time(time) => Some(time.unix() * 1_000),
            Self::Null | Self::Text(_) | Self::Real(_) | Self::Flag(_) => None,
        }
    }

    fn real(&self) -> Option<f64> {
        if let Self::Real(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    fn flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }
}

/// Rows turned to columns.
fn batch(columns: &[Column], schema: &Arc<Schema>, rows: Vec<Vec<Cell>>) -> anyhow::Result<RecordBatch> {
    let arrays = columns.iter().enumerate().map(|(at, column)| -> ArrayRef {
        let cells = rows.iter().map(|row| &row[at]);
        match column.holds {
            Type::Text => Arc::new(cells.map(Cell::text).collect::<StringArray>()),
            Type::Integer => Arc::new(cells.map(Cell::integer).collect::<Int64Array>()),
            Type::Real => Arc::new(cells.map(Cell::real).collect::<Float64Array>()),
            Type::Flag => Arc::new(cells.map(Cell::flag).collect::<BooleanArray>()),
            Type::Time => {
                let times: TimestampMillisecondArray = cells.map(Cell::integer).collect();
                Arc::new(times.with_timezone("UTC"))
            }
        }
    });
    Ok(RecordBatch::try_new(schema.clone(), arrays.collect())?)
}
