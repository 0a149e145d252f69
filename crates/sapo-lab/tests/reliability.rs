//! What a store survives: hundreds of kills, a full disk, a folder that cannot be written. Figures: docs/reliability.md.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod toy;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};
use sapo_lab::Store;
use sapo_lab::runs::{Index, check, garbage};

use toy::{Lab, entries, err, out};

/// At least so many processes are killed.
const KILLS: usize = 200;

/// Processes whose parent is `parent`.
fn children(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent_of =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    let pids =
        entries("/proc".as_ref()).into_iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok());
    pids.filter(is_child).collect()
}

#[test]
fn hundreds_of_kills_change_no_byte_of_any_table() {
    if !std::path::Path::new("/proc/self/stat").exists() {
        println!("not run: no /proc here");
        return;
    }
    let whole = Lab::new();
    let grid = "--seeds 6 --jobs 3";
    assert!(whole.run(grid).status.success());
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS {
        let lab = Lab::new().with("TOY_STEP_MS", "12").with("TOY_KEEP", "1");
        rounds += 1;
        let mut stored = 0;
        loop {
            let mut parent = lab.start(grid);
            std::thread::sleep(Duration::from_millis(rng.random_range(1..90)));
            // the whole experiment, or one of its workers
            let worker =
                if rng.random_bool(0.5) { children(parent.id()).choose(&mut rng).copied() } else { None };
            if let Some(worker) = worker.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
                kills += usize::from(kill_process(worker, Signal::KILL).is_ok());
                let output = parent.wait_with_output().unwrap();
                if !output.status.success() {
                    assert!(err(&output).contains("killed by signal 9"), "{}", err(&output));
                }
            } else {
                kills += usize::from(parent.try_wait().unwrap().is_none());
                parent.kill().unwrap();
                parent.wait().unwrap();
            }
            let now = lab.stored().len();
            assert!(now >= stored, "{now} cells after {stored}");
            stored = now;
            if stored == 12 {
                break;
            }
        }
        let last = lab.run(grid);
        assert!(last.status.success(), "{}", err(&last));
        lab.nothing_is_left_over();
        assert_eq!(lab.table(), whole.table());
        let store = Store::open(&lab.runs().join(".."), "toy").unwrap();
        assert_eq!(check(&store, &mut |_| ()).unwrap().0, 12);
        for cell in whole.stored() {
            let twin = lab.runs().join(cell.file_name().unwrap());
            for name in ["scores.parquet", "predictions.parquet", "artifacts/note.txt"] {
                assert_eq!(fs::read(cell.join(name)).unwrap(), fs::read(twin.join(name)).unwrap(), "{name}");
            }
            assert_eq!(entries(&cell).len(), entries(&twin).len(), "nothing half-written is in a cell");
        }
    }
    println!("{kills} kills in {rounds} rounds");
}

#[test]
fn a_full_disk_is_said_and_what_was_finished_stays() {
    // a file system of its own, in a name space of its own
    let script = r#"set -e
        mount -t tmpfs -o size=600k tmpfs runs || exit 77
        rc=0; "$TOY" --seeds 4 --jobs 1 > first.out 2> first.err || rc=$?
        echo $rc > first.rc; ls -d runs/toy/*/manifest.json | wc -l > first.cells
        mount -o remount,size=8m tmpfs runs
        "$TOY" --seeds 4 --jobs 1 > second.out 2> second.err
        cp runs/toy/tables/sums.csv table.csv"#;
    let lab = Lab::new().with("TOY_BYTES", "100000");
    let here = |name: &str| lab.folder().join(name);
    fs::create_dir(here("runs")).unwrap();
    let toy = lab.command("");
    let mut shell = Command::new("unshare");
    shell.args(["--map-root-user", "--mount", "sh", "-c", script]).env("TOY", toy.get_program());
    shell.envs(toy.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(lab.folder());
    let output = match shell.output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => {
            let said = err(&output);
            let refused = output.status.code() == Some(77) || said.contains("unshare:");
            assert!(refused, "{said}");
            println!("not run: no file system of one's own here: {said}");
            return;
        }
        Err(error) => {
            println!("not run: {error}");
            return;
        }
    };
    drop(output);
    let read = |name: &str| fs::read_to_string(here(name)).unwrap();
    assert_eq!(read("first.rc").trim(), "1");
    assert!(read("first.err").contains("No space left on device"), "{}", read("first.err"));
    let finished: usize = read("first.cells").trim().parse().unwrap();
    assert!((1..8).contains(&finished), "{finished}");
    assert!(
        read("second.err").contains(&format!("[{}/{}]", 8 - finished, 8 - finished)),
        "{}",
        read("second.err")
    );
    let whole = Lab::new();
    whole.run("--seeds 4");
    assert_eq!(read("table.csv"), whole.table());
}

#[test]
fn a_store_that_cannot_be_written_is_said_before_anything_is_computed() {
    let lab = Lab::new();
    fs::create_dir(lab.folder().join("runs")).unwrap();
    let only_read = fs::Permissions::from_mode(0o555);
    fs::set_permissions(lab.folder().join("runs"), only_read).unwrap();
    if fs::write(lab.folder().join("runs/probe"), "").is_ok() {
        println!("not run: this user may write everywhere");
        return;
    }
    let output = lab.run("");
    assert!(!output.status.success());
    assert!(
        err(&output).contains("cannot create") && err(&output).contains("Permission denied"),
        "{}",
        err(&output)
    );
    assert_eq!(lab.begun(), Vec::<String>::new());
}

#[test]
fn the_index_follows_the_store_and_survives_damage() {
    let lab = Lab::new();
    assert!(lab.run("--seeds 3").status.success());
    let store = Store::open(&lab.runs().join(".."), "toy").unwrap();
    let names = |index: &Index| index.cells.iter().map(|cell| cell.id.clone()).collect::<Vec<_>>();
    let first = Index::of(&store).unwrap();
    assert_eq!(first.cells.len(), 6);
    assert_eq!(first.cells[0].axis("arm").map(str::len), Some(1));
    let path = store.folder().join("index.parquet");
    let good = fs::read(&path).unwrap();
    for place in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[place] ^= 4;
        fs::write(&path, &bad).unwrap();
        assert_eq!(Index::of(&store).unwrap().cells, first.cells, "byte {place}");
    }
    assert!(lab.run("--seeds 4").status.success());
    let grown = Index::of(&store).unwrap();
    assert_eq!(grown.cells.len(), 8);
    let gone = store.stored().unwrap().remove(2);
    store.remove(&gone).unwrap();
    assert!(!names(&Index::of(&store).unwrap()).contains(&gone.to_string()));
    let damaged = store.stored().unwrap().remove(0);
    fs::write(store.cell_folder(&damaged).join("manifest.json"), "{").unwrap();
    let index = Index::of(&store).unwrap();
    assert_eq!((index.cells.len(), index.unreadable.len()), (6, 1));
    let (good, findings) = check(&store, &mut |_| ()).unwrap();
    assert_eq!((good, findings.len()), (6, 1));
    assert!(findings[0].problem.contains("manifest.json is damaged"), "{}", findings[0].problem);
}

#[test]
fn only_what_nobody_needs_is_garbage() {
    let lab = Lab::new();
    assert!(lab.run("").status.success());
    let store = Store::open(&lab.runs().join(".."), "toy").unwrap();
    assert_eq!(garbage(&store).unwrap(), []);
    let slow = Lab::new().with("TOY_STEP_MS", "40").with("TOY_KEEP", "1");
    let mut parent = slow.start("--jobs 2");
    // a worker that has not begun its cell yet would do so after all was tidied up
    slow.wait_until("both workers have made progress", |lab| {
        let store = Store::open(&lab.runs().join(".."), "toy").unwrap();
        store.begun().is_ok_and(|begun| begun.len() == 2)
    });
    let store = Store::open(&slow.runs().join(".."), "toy").unwrap();
    let held = garbage(&store).unwrap();
    assert!(held.iter().all(|garbage| !garbage.path.starts_with(slow.runs().join(".staging"))), "{held:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    slow.wait_until("the workers have died", |_| {
        store.begun().unwrap().iter().all(|id| store.holder(id).unwrap().is_none())
    });
    let begun = garbage(&store).unwrap();
    assert!(begun.iter().any(|garbage| garbage.why == "begun, and nobody computes it now"), "{begun:?}");
    begun.iter().for_each(|garbage| garbage.remove(&store).unwrap());
    assert_eq!(garbage(&store).unwrap(), []);
    assert!(out(&slow.without_faults().run("")).starts_with("4 of 4"));
}
