"""The THINKEDIT pipeline: sources, trajectories, scores, filters, step samples, SFT and RL sets.

Each stage reads and writes plain files of one folder, may be killed at any instant and run again, and then
leaves the same bytes as if it had never been killed. docs/data.md shows each with its command.

    sources.jsonl       what is to be edited, and by which editor            records.SourceRecord
    images/             every picture, by the hash of its bytes
    trajectories.jsonl  what the loop made of each source                    records.Trajectory
    scored.jsonl        the same with the judge's scores                     records.ScoredTrajectory
    filtered.jsonl      those that got better, up to their best step         records.ScoredTrajectory
    steps.jsonl         one line for each step that could be learnt from     records.StepSample
    sft_train.json, rl_train.jsonl                                           in the layouts of published code
    manifest.json       counts, reasons of every drop, settings, hashes, licences
    work/               sessions, recorded calls and journals of runs that go on; not part of the data
"""
