//! The test vectors of all languages (tests/vectors/make_vectors.py), in the folder MMOE_VECTORS.

use std::collections::HashMap;
use std::path::PathBuf;

use mmoe::{Listed, Model, Options, Part, Side, ThreadPool, Value, Values};

struct Vectors {
    model: Model,
    path: PathBuf,
    floats: HashMap<String, Vec<f32>>,
    settings: Vec<Vec<String>>,
}

fn floats(words: &[String]) -> Vec<f32> {
    words.iter().map(|word| f32::from_bits(u32::from_str_radix(word, 16).unwrap())).collect()
}

fn vectors(name: &str) -> Vectors {
    let folder = PathBuf::from(std::env::var("MMOE_VECTORS").expect("MMOE_VECTORS names the folder of the vectors"));
    let path = folder.join(name);
    let mut found = Vectors { model: Model::map(&path).unwrap(), path, floats: HashMap::new(), settings: Vec::new() };
    let mut here = false;
    for line in std::fs::read_to_string(folder.join("vectors.tsv")).unwrap().lines() {
        let words: Vec<String> = line.split('\t').map(String::from).collect();
        match words[0].as_str() {
            "model" => here = words[1] == name,
            _ if !here => {}
            "x" | "gates" | "scores" | "candidates" => {
                found.floats.insert(words[0].clone(), floats(&words[1..]));
            }
            _ => found.settings.push(words),
        }
    }
    found
}

impl Vectors {
    fn fill(&self, rows: &mut mmoe::Rows, sides: &[Side]) {
        let features = self.model.features();
        for words in &self.settings {
            let (row, name, values) = (words[1].parse::<usize>().unwrap(), words[2].as_str(), &words[3..]);
            let side = features.iter().find(|feature| feature.name == name).unwrap().side;
            if row < rows.num_rows() && sides.contains(&side) {
                set(rows, &words[0], row, name, values);
            }
        }
    }
}

fn set(rows: &mut mmoe::Rows, word: &str, row: usize, name: &str, values: &[String]) {
    let numbers = || values.iter().map(|value| value.parse().unwrap()).collect::<Vec<f64>>();
    let integers = || values.iter().map(|value| value.parse().unwrap()).collect::<Vec<i64>>();
    match word {
        "missing" => rows.set(row, name, Value::Missing),
        "number" => rows.set(row, name, numbers()[0]),
        "integer" => rows.set(row, name, integers()[0]),
        "text" => rows.set(row, name, values[0].as_str()),
        "numbers" => rows.set_list(row, name, Values::Numbers(&numbers())),
        "integers" => rows.set_list(row, name, Values::Integers(&integers())),
        "weights" => rows.set_weights(row, name, Values::Numbers(&numbers())),
        "texts" => {
            let texts: Vec<&str> = values.iter().map(String::as_str).collect();
            rows.set_list(row, name, Values::Texts(&texts))
        }
        _ => panic!("what is {word}?"),
    }
    .unwrap();
}

fn assert_same_bits(wanted: &[f32], found: &[f32]) {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(wanted), bits(found));
}

#[test]
fn x_gives_the_bits_of_mmoe_score() {
    let of = vectors("plain.mmoe");
    let (x, wanted) = (&of.floats["x"], &of.floats["scores"]);
    let threads = Some(ThreadPool::new(2).unwrap());
    for options in [
        Options::default(),
        Options { max_batch: 200, ..Options::default() },
        Options { max_batch: 200, threads, ..Options::default() },
        Options { kernel_set: Some("scalar".into()), ..Options::default() },
    ] {
        let mut session = of.model.session(&options).unwrap();
        let mut scores = vec![0.0; wanted.len()];
        let mut gates = vec![0.0; of.floats["gates"].len()];
        session.score_all(x, &mut scores, Some(&mut gates), None).unwrap();
        assert_same_bits(wanted, &scores);
        assert_same_bits(&of.floats["gates"], &gates);
    }
}

#[test]
fn rows_by_name_give_the_bits_of_mmoe_score() {
    let of = vectors("raw.mmoe");
    let mut session = of.model.session(&Options { max_batch: 3, ..Options::default() }).unwrap();
    let mut rows = of.model.rows(3, Part::Whole).unwrap();
    of.fill(&mut rows, &[Side::Context, Side::User, Side::Item]);
    let mut scores = [0.0; 6];
    session.score_rows(&rows, &mut scores).unwrap();
    assert_same_bits(&of.floats["scores"], &scores);
    let mut user = of.model.rows(1, Part::User).unwrap();
    let mut items = of.model.rows(3, Part::Candidate).unwrap();
    of.fill(&mut user, &[Side::Context, Side::User]);
    of.fill(&mut items, &[Side::Item]);
    session.set_user_rows(&user).unwrap();
    session.score_rows(&items, &mut scores).unwrap();
    assert_same_bits(&of.floats["candidates"], &scores);
}

#[test]
fn x_of_a_user_and_of_candidates() {
    let of = vectors("raw.mmoe");
    let mut session = of.model.session(&Options::default()).unwrap();
    let x: Vec<f32> = (0..of.model.input_dim()).map(|i| 0.1 * i as f32 - 0.5).collect();
    let part = |item: bool| -> Vec<f32> {
        let features = of.model.features();
        let wanted = features.iter().filter(|feature| (feature.side == Side::Item) == item);
        wanted.flat_map(|feature| x[feature.column..feature.column + feature.width].to_vec()).collect()
    };
    let (mut wanted, mut found) = ([0.0; 2], [0.0; 2]);
    session.score(&x, &mut wanted).unwrap();
    assert_eq!(part(false).len(), of.model.user_dim());
    assert_eq!(part(true).len(), of.model.candidate_dim());
    session.set_user(&part(false)).unwrap();
    session.score_candidates(&part(true), &mut found).unwrap();
    assert_same_bits(&wanted, &found);
    assert!(session.set_user(&x).is_err());
}

#[test]
fn a_model_says_what_it_is() {
    let of = vectors("raw.mmoe");
    let model = &of.model;
    assert_eq!(model.name(), "test");
    assert_eq!(model.architecture(), "MMoE");
    assert_eq!(model.tasks(), ["click", "like"]);
    assert_eq!(model.size_bytes() as u64, std::fs::metadata(&of.path).unwrap().len());
    model.verify_checksums().unwrap();
    let features = model.features();
    assert_eq!(features.len(), 7);
    assert_eq!(features[5].weights, "counts");
    assert_eq!(model.find_text(1, "Côte"), Ok(Some(4)));
    assert_eq!(model.find_text(1, "??"), Ok(None));
    assert_eq!(model.find_integer(4, 1 << 40), Ok(Some(2)));
    assert!(model.find_text(4, "3").is_err());
    let listed: HashMap<_, _> = (0..model.num_categories(1))
        .map(|place| model.category(1, place).map(|category| (category.value, category.id)).unwrap())
        .collect();
    let id = |text: &str| listed[&Listed::Text(text.into())];
    assert_eq!([id("AT"), id("BR"), id("US"), id("Côte")], [Some(1), Some(2), Some(3), Some(4)]);
    let large = (0..3).map(|place| model.category(4, place).unwrap()).find(|category| category.id == Some(2));
    assert_eq!(large.unwrap().value, Listed::Integer(1 << 40));
    assert_eq!([0, 1, 2, 4, 6, 7].map(|feature| model.num_categories(feature)), [0, 4, 20, 3, 0, 0]);
    assert!(model.category(4, 3).unwrap_err().message.contains("3 categories"));
    assert!(model.category(7, 0).is_err());
    let bytes = std::fs::read(&of.path).unwrap();
    let copy = Model::from_bytes(&bytes).unwrap();
    drop(bytes);
    assert_eq!(copy.tasks(), model.tasks());
    let mut session = copy.session(&Options { tasks: vec![1], ..Options::default() }).unwrap();
    drop(copy); // the session keeps what it uses
    assert_eq!((session.num_scores(), session.task(0), session.task(1)), (1, Some(1), None));
    assert_eq!(session.replay_golden().unwrap().num_wrong, 0);
    assert_eq!(session.gates()[0].experts.len(), 4);
    assert_eq!(mmoe::version(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn what_is_wrong_is_refused_with_the_text_of_the_runtime() {
    let of = vectors("raw.mmoe");
    let model = &of.model;
    let dim = model.input_dim();
    let mut session = model.session(&Options { refuse_non_finite: true, ..Options::default() }).unwrap();
    let error = session.score(&vec![0.0; dim + 1], &mut [0.0; 2]).unwrap_err();
    assert!(error.message.contains(&(dim + 1).to_string()), "{error}");
    assert!(session.score(&vec![0.0; dim], &mut [0.0; 1]).is_err());
    assert_eq!(session.score(&vec![f32::NAN; dim], &mut [0.0; 2]).unwrap_err().status, 11);
    assert!(session.score_candidates(&[0.0; 9], &mut [0.0; 2]).is_err()); // no user
    assert!(session.score(&[], &mut []).is_ok());
    let mut rows = model.rows(1, Part::Whole).unwrap();
    let error = rows.set(0, "colour", 1.0).unwrap_err();
    assert!(error.message.contains("colour"), "{error}");
    assert_eq!(session.score_rows(&rows, &mut [0.0; 2]).unwrap_err(), error);
    rows.clear(1).unwrap();
    assert_eq!(rows.set(0, "brand", 4).unwrap_err().status, 12);
    rows.clear(1).unwrap();
    let error = rows.set(0, "age\0", 4).unwrap_err(); // a name does not end there
    assert!(error.message.contains("age\u{FFFD}"), "{error}");
    assert_eq!(rows.set(0, "age", 4).unwrap_err(), error);
    rows.clear(1).unwrap();
    let text = "x".repeat(1 << 20);
    let error = rows.set_list(0, "tags", Values::Texts(&vec![text.as_str(); 2048])).unwrap_err();
    assert_eq!(error.message, "texts: more than 2 GiB");
    assert_eq!(rows.set(0, "age", 4).unwrap_err(), error);
    assert_eq!(session.score_rows(&rows, &mut [0.0; 2]).unwrap_err(), error);
    assert_eq!(session.set_user_rows(&rows).unwrap_err(), error);
    rows.clear(1).unwrap();
    rows.set(0, "age", 4).unwrap();
    assert_eq!(Model::map("no/such.mmoe").err().unwrap().status, 1);
    assert_eq!(Model::from_bytes(&[0; 1000]).err().unwrap().status, 2);
    assert!(Model::from_bytes(&[]).is_err());
    assert!(model.session(&Options { kernel_set: Some("abacus".into()), ..Options::default() }).is_err());
    assert!(ThreadPool::new(0).is_err());
    assert!(model.rows(usize::MAX, Part::Whole).is_err());
    assert_eq!(model.rows(0, Part::Whole).err().unwrap().message, "max_rows: 0, expected 1 or more");
}

#[test]
fn threads_share_a_model() {
    let of = vectors("plain.mmoe");
    let (x, wanted) = (&of.floats["x"], &of.floats["scores"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut session = of.model.session(&Options::default()).unwrap();
                let mut scores = vec![0.0; wanted.len()];
                session.score(x, &mut scores).unwrap();
                assert_same_bits(wanted, &scores);
            });
        }
    });
}
