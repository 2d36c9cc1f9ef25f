//! Raw rows by name.

use std::mem::size_of;
use std::ptr::{null, null_mut};

use crate::{check, feature_text, sys, Error, Model};

/// The features of rows: all; those of the user and the context; those of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Whole = 0,
    User = 1,
    Candidate = 2,
}

/// One value of a feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Missing,
    Number(f64),
    Integer(i64),
    Text(&'a str),
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<i64> for Value<'_> {
    fn from(integer: i64) -> Self {
        Value::Integer(integer)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text)
    }
}

/// Several values of one type.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    Floats(&'a [f32]),
    Numbers(&'a [f64]),
    Int32s(&'a [i32]),
    Integers(&'a [i64]),
    Unsigned(&'a [u64]),
    Texts(&'a [&'a str]),
}

/// Values as the C interface takes them, with the memory that packed texts need.
struct RawValues {
    raw: sys::mmoe_values,
    _bytes: Vec<u8>,
    _offsets: Vec<i32>,
}

impl RawValues {
    fn new(values: Values<'_>) -> Result<RawValues, Error> {
        let (mut bytes, mut offsets) = (Vec::new(), Vec::new());
        let (data, size, kind) = match values {
            Values::Floats(of) => (of.as_ptr().cast(), of.len(), 1),
            Values::Numbers(of) => (of.as_ptr().cast(), of.len(), 2),
            Values::Int32s(of) => (of.as_ptr().cast(), of.len(), 3),
            Values::Integers(of) => (of.as_ptr().cast(), of.len(), 4),
            Values::Unsigned(of) => (of.as_ptr().cast(), of.len(), 7),
            Values::Texts(of) => {
                let total = of.iter().fold(0_usize, |sum, text| sum.saturating_add(text.len()));
                i32::try_from(total).map_err(|_| Error::invalid("texts: more than 2 GiB"))?;
                offsets.push(0);
                for text in of {
                    bytes.extend_from_slice(text.as_bytes());
                    offsets.push(bytes.len() as i32);
                }
                (offsets.as_ptr().cast(), of.len(), 6)
            }
        };
        let raw = sys::mmoe_values {
            data,
            size,
            bytes: bytes.as_ptr().cast(),
            num_bytes: bytes.len(),
            r#type: kind,
            reserved: 0,
        };
        Ok(RawValues { raw, _bytes: bytes, _offsets: offsets })
    }
}

/// Rows as raw values by the names of features. What is not set is missing: the feature's rule says what becomes of
/// it. The first error is returned, and stays until [`Rows::clear`]: scoring returns it again.
pub struct Rows {
    rows: *mut sys::mmoe_rows,
    refused: Option<Error>, // an error of this crate, which stays like those of the runtime
    _model: Model,
}

unsafe impl Send for Rows {}

impl Drop for Rows {
    fn drop(&mut self) {
        unsafe { sys::mmoe_rows_free(self.rows) }
    }
}

impl Rows {
    pub(crate) fn new(model: &Model, max_rows: usize, part: Part) -> Result<Rows, Error> {
        if max_rows == 0 {
            return Err(Error::invalid("max_rows: 0, expected 1 or more"));
        }
        let options = sys::mmoe_rows_options {
            struct_size: size_of::<sys::mmoe_rows_options>(),
            max_rows,
            part: part as i32,
            reserved: 0,
        };
        let mut rows = null_mut();
        check(unsafe { sys::mmoe_rows_create(model.ptr(), &options, &mut rows) })?;
        let mut made = Rows { rows, refused: None, _model: model.clone() };
        made.clear(max_rows)?;
        Ok(made)
    }

    pub(crate) fn ptr(&self) -> *const sys::mmoe_rows {
        self.rows
    }

    /// The error that the runtime does not know of.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// Values for C. What is refused here stays an error, unless there is one already.
    fn raw(&mut self, values: Values<'_>) -> Result<RawValues, Error> {
        self.check()?;
        let made = RawValues::new(values);
        if let Err(error) = &made {
            check(unsafe { sys::mmoe_rows_status(self.rows) })?;
            self.refused = Some(error.clone());
        }
        made
    }

    /// `num_rows` rows with nothing set, and no error.
    pub fn clear(&mut self, num_rows: usize) -> Result<(), Error> {
        self.refused = None;
        check(unsafe { sys::mmoe_rows_clear(self.rows, num_rows) })
    }

    pub fn num_rows(&self) -> usize {
        unsafe { sys::mmoe_rows_num_rows(self.rows) }
    }

    /// One feature of one row: a number, an integer, a text or [`Value::Missing`].
    pub fn set<'a>(&mut self, row: usize, feature: &str, value: impl Into<Value<'a>>) -> Result<(), Error> {
        self.check()?;
        let name = feature_text(feature);
        let name = name.as_ptr();
        check(unsafe {
            match value.into() {
                Value::Missing => sys::mmoe_rows_set_missing(self.rows, row, name),
                Value::Number(number) => sys::mmoe_rows_set_number(self.rows, row, name, number),
                Value::Integer(integer) => sys::mmoe_rows_set_integer(self.rows, row, name, integer),
                Value::Text(text) => sys::mmoe_rows_set_text_n(self.rows, row, name, text.as_ptr().cast(), text.len()),
            }
        })
    }

    /// A sequence's elements, the numbers of a dense feature that is wider than 1, or the values of a cross.
    pub fn set_list(&mut self, row: usize, feature: &str, values: Values<'_>) -> Result<(), Error> {
        let (name, list) = (feature_text(feature), self.raw(values)?);
        check(unsafe { sys::mmoe_rows_set_list(self.rows, row, name.as_ptr(), &list.raw) })
    }

    /// The weights of a sequence's elements.
    pub fn set_weights(&mut self, row: usize, feature: &str, values: Values<'_>) -> Result<(), Error> {
        let (name, list) = (feature_text(feature), self.raw(values)?);
        check(unsafe { sys::mmoe_rows_set_weights(self.rows, row, name.as_ptr(), &list.raw) })
    }

    /// One feature of all rows, row after row. A sequence whose rows differ in length has `offsets`: row r has the
    /// elements from `offsets[r]` up to `offsets[r + 1]`.
    pub fn set_column(&mut self, feature: &str, values: Values<'_>, offsets: Option<&[i32]>) -> Result<(), Error> {
        let (name, column) = (feature_text(feature), self.raw(values)?);
        let (at, size) = offsets.map_or((null(), 0), |of| (of.as_ptr(), of.len()));
        check(unsafe { sys::mmoe_rows_set_column(self.rows, name.as_ptr(), &column.raw, at, size) })
    }
}
