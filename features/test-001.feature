Feature: TEST-001 - inference across the nodes of rbee

  rbee runs language models on the machines of a household: rbee-keeper (the command line) asks queen-rbee (one for all),
  which starts rbee-hive on a node over SSH, which starts an llm-worker-rbee per model.

  - A title's line is its address, and does not move: behave features/test-001.feature:949
  - A Then is read from what a program left behind: exit code, printed text, an exchange on the network, a row, a file, a
    process, a login, a time on the clock. Figures are meant literally; an MB is a MiB.
  - Nothing in the background registers a node; a scenario that uses one does so in a step of its own.
  - @needs-clock takes more than 30 real seconds without the clock; in real time such a scenario waits beside the others.

  Background:
    Given the topology:
      | node        | host                  | runs          | devices             |
      | blep        | blep.home.arpa        | keeper, queen | cpu                 |
      | workstation | workstation.home.arpa | hive, workers | cuda:0, cuda:1, cpu |
    And the caller is on "blep"
    And the queen answers at "http://localhost:8080"
    And the model catalogue of a node is SQLite at "~/.rbee/models.db"
    And the registry of nodes is SQLite at "~/.rbee/beehives.db"
    And the worker registry of a node is in the memory of its hive









  # Registry of nodes
  @registry-setup @critical
  Scenario: Add remote rbee-hive node to registry
    Given the registry of nodes is empty
    When the user runs:
      """
      rbee-keeper setup add-node --name workstation --ssh-host workstation.home.arpa --ssh-user rbee
        --ssh-key ~/.ssh/id_ed25519 --git-repo https://github.com/user/llama-orch.git --git-branch main
        --install-path '~/rbee'
      """
    Then the queen was asked once to "add" a node, with:
      | node_name   | ssh_host              | ssh_port | ssh_user | ssh_key_path      |
      | workstation | workstation.home.arpa | 22       | rbee     | ~/.ssh/id_ed25519 |
    And the queen was asked once to "add" a node, with:
      | git_repo_url                           | git_branch | install_path |
      | https://github.com/user/llama-orch.git | main       | ~/rbee       |
    And "workstation" let user "rbee" in with the user's key
    And "workstation" was asked over SSH to run:
      """
      echo 'connection test'
      """
    And the registry row of "workstation" holds:
      | ssh_host              | ssh_port | ssh_user | ssh_key_path      | status    |
      | workstation.home.arpa | 22       | rbee     | ~/.ssh/id_ed25519 | reachable |
    And the registry row of "workstation" holds:
      | git_repo_url                           | git_branch | install_path |
      | https://github.com/user/llama-orch.git | main       | ~/rbee       |
    And the registry row of "workstation" was last connected when it was added
    And it prints:
      """
      [queen-rbee] 🔌 Testing SSH connection to workstation.home.arpa
      [queen-rbee] ✅ SSH connection successful! Node 'workstation' saved to registry
      """
    And the exit code is 0







  @registry-setup
  Scenario: Add node with SSH connection failure
    Given the host "silent.home.arpa" accepts connections and never says a word
    When the user runs:
      """
      rbee-keeper setup add-node --name silent --ssh-host silent.home.arpa --ssh-user rbee
        --ssh-key ~/.ssh/id_ed25519 --git-repo https://github.com/user/llama-orch.git --git-branch main
        --install-path '~/rbee'
      """
    Then one SSH connection to "silent.home.arpa" was made, and given up after 10 s
    And the registry has no row of "silent"
    And it prints:
      """
      [queen-rbee] 🔌 Testing SSH connection to silent.home.arpa
      [queen-rbee] ❌ SSH connection failed: Connection timeout
      """
    And the exit code is 1





  @registry-setup
  Scenario: Install rbee-hive on remote node
    Given rbee is not installed on "workstation"
    And node "workstation" is registered with the queen
    When the user runs "rbee-keeper setup install --node workstation"
    Then "workstation" ran these tools in "~/rbee", in this order:
      """
      git clone https://github.com/user/llama-orch.git .
      git checkout main
      cargo build --release -p rbee-hive
      cargo build --release -p llm-worker-rbee
      """
    And these are there on "workstation":
      | path                                    | what |
      | ~/rbee/target/release/rbee-hive         | file |
      | ~/rbee/target/release/llm-worker-rbee   | file |
    And it prints:
      """
      [queen-rbee] 📦 Cloning repository on workstation
      [queen-rbee] 🔨 Building rbee-hive and llm-worker-rbee
      [queen-rbee] ✅ Installation complete on workstation!
      """
    And the exit code is 0



  @registry-setup
  Scenario: List registered rbee-hive nodes
    Given nodes "workstation" and "blep" are registered with the queen
    When the user runs "rbee-keeper setup list-nodes"
    Then it prints:
      """
      blep (blep.home.arpa)
        Status: reachable
        Last connected: <time>
        Install path: ~/rbee

      workstation (workstation.home.arpa)
        Status: reachable
        Last connected: <time>
        Install path: ~/rbee
      """
    And the times that it prints are those of the rows, in their order
    And the exit code is 0


  @registry-setup
  Scenario: Remove node from rbee-hive registry
    Given node "workstation" is registered with the queen
    When the user runs "rbee-keeper setup remove-node --name workstation"
    Then the registry has no row of "workstation"
    And it prints:
      """
      [queen-rbee] ✅ Node 'workstation' removed from registry
      """
    And the exit code is 0

  @registry-setup @critical
  Scenario: Inference fails when node not in registry
    Given node "workstation" is not registered with the queen
    When the user runs:
      """
      rbee-keeper infer --node workstation --model hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF
        --prompt "write a short story" --max-tokens 20 --temperature 0.7 --backend cuda --device 1
      """
    Then the queen answered the task with status 404 and code "NODE_NOT_FOUND"
    And nobody logged in to "workstation"
    And nobody asked the hive of "workstation"
    And it says on stderr:
      """
      [queen-rbee] ❌ ERROR: Node 'workstation' not found in rbee-hive registry

      To add this node, run:
        rbee-keeper setup add-node --name workstation --ssh-host <host> ...
      """
    And the exit code is 1






  Scenario: Happy path - cold start inference on remote node
    Given node "workstation" is registered with the queen
    When 2 seconds pass
    And the user runs:
      """
      rbee-keeper infer --node workstation --model hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF
        --prompt "write a short story" --max-tokens 20 --temperature 0.7 --backend cuda --device 1
      """
    And the operator asks the hive of "workstation" for its workers
    Then these hops were seen, in this order:
      | asker       | asked       | for                                                        |
      | blep        | queen       | POST /v2/tasks                                             |
      | blep        | workstation | cd ~/rbee && ./target/release/rbee-hive daemon --port 9200 |
      | blep        | hive        | GET /v1/workers/list                                       |
      | blep        | hive        | GET /v1/health                                             |
      | blep        | hive        | POST /v1/models/download                                   |
      | workstation | hub         | GET tinyllama-q4.gguf                                      |
      | blep        | hive        | POST /v1/workers/spawn                                     |
      | workstation | hive        | POST /v1/workers/ready                                     |
      | blep        | worker      | POST /v1/inference                                         |
    And the queen logged in to "workstation" as "rbee", with the key in its row, and started the hive there by:
      """
      cd ~/rbee && ./target/release/rbee-hive daemon --port 9200
      """
    And the registry row of "workstation" was last connected during the task
    And the hive of "workstation" answered the queen's "GET /v1/workers/list" with 200 and {"workers": []}
    And the hive of "workstation" answered the queen's "GET /v1/health" with 200 and {"status": "alive", "version": "0.1.0", "api_version": "v1"}
    And the hive of "workstation" answered the queen's "POST /v1/models/download" with 200 and {"download_id": "<id>", "local_path": null}
    And the hive of "workstation" streamed at last that "/models/tinyllama-q4.gguf" is complete, and the end mark
    And it says on stderr "Downloading model... [████████████████████] 100% (5.0 MB / 5.0 MB) @ <speed>"
    And the catalogue of "workstation" has these rows, and no others:
      | reference                              | provider | local_path                | size_bytes |
      | TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | hf       | /models/tinyllama-q4.gguf | 5242880    |
    And the hive of "workstation" checked RAM: 6 MB required, 8000 MB available
    And the hive of "workstation" looked for device 1 of "cuda" after its RAM check, and found it
    And a worker runs on "workstation" with backend "cuda" and device "1"
    And the process of the worker on "workstation" listens at port 8001
    And the worker on "workstation" said that it is loading and where to follow that, and afterwards that it is ready
    And the worker on "workstation" at last told of 32 of 32 layers, that it is ready, and the end mark
    And 20 tokens were printed to stdout, as the worker sent them
    And each token was on stdout in the moment in which it left the worker
    And the hive of "workstation" listed:
      | model_ref                                 | backend | device | state | slots_total | slots_available |
      | hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | cuda    | 1      | idle  | 1           | 1               |
    And the exit code is 0









  Scenario: Warm start - reuse existing idle worker
    Given node "workstation" is registered with the queen
    And worker "worker-abc123" is idle on "workstation"
    When the user runs:
      """
      rbee-keeper infer --node workstation --model hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF
        --prompt "write a short story" --max-tokens 20 --temperature 0.7 --backend cuda --device 1
      """
    Then the hive of "workstation" told the queen of these workers:
      | id            | model_ref                                 | backend | device | state | healthy |
      | worker-abc123 | hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | cuda    | 1      | idle  | true    |
    And the queen found "worker-abc123" idle on "workstation" and went straight to inference: no preflight, no provisioning, no start-up
    And 20 tokens were printed to stdout, as the worker sent them
    And each token was on stdout in the moment in which it left the worker
    And the first token was on stdout at most 5 s after the command began
    And the exit code is 0

















  # Worker registry
  Scenario: Worker registry returns empty list
    Given node "workstation" is registered with the queen
    And the hive runs on "workstation"
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" answered the queen's "GET /v1/workers/list" with 200 and {"workers": []}
    And these hops were seen, in this order:
      | asker | asked | for                  |
      | blep  | hive  | GET /v1/workers/list |
      | blep  | hive  | GET /v1/health       |
    And the exit code is 0

  Scenario: Worker registry returns matching idle worker
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user asks "workstation" for 20 tokens
    Then the queen found "worker-abc123" idle on "workstation" and went straight to inference: no preflight, no provisioning, no start-up
    And the exit code is 0
  Scenario: Worker registry returns matching busy worker
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    And another user's request of 2048 tokens has the only slot of "workstation"
    When the user asks "workstation" for 20 tokens
    Then the queen found "worker-abc123" busy on "workstation" and went straight to inference: no preflight, no provisioning, no start-up
    And the request was answered with 503, again after 1, 2 and 4 s, and then no more made
    And the exit code is 1
  # Pool preflight

  Scenario: Pool preflight health check succeeds
    Given node "workstation" is registered with the queen
    And the hive runs on "workstation"
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" answered the queen's "GET /v1/health" with 200 and {"status": "alive", "version": "0.1.0", "api_version": "v1"}
    And these hops were seen, in this order:
      | asker | asked | for                      |
      | blep  | hive  | GET /v1/workers/list     |
      | blep  | hive  | GET /v1/health           |
      | blep  | hive  | POST /v1/models/download |
    And the exit code is 0



  Scenario: Pool preflight detects version mismatch
    Given node "workstation" is registered with the queen
    And rbee-hive on "workstation" has version "0.2.0"
    When the user asks "workstation" for 20 tokens
    Then the queen ended the task with "VERSION_MISMATCH" before anything was provisioned on "workstation"
    And the user was told that rbee-keeper is v0.1.0 and rbee-hive v0.2.0, and how to upgrade
    And the exit code is 1

  @needs-clock
  Scenario: Pool preflight connection timeout with retry
    Given node "workstation" is registered with the queen
    And port 9200 of "workstation.home.arpa" accepts connections and never says a word
    When the user asks "workstation" for 20 tokens
    Then "workstation" let user "rbee" in with the user's key
    And port 9200 of "workstation.home.arpa" was tried three times for 10 s, the second 200 ms and the third 400 ms after the one before
    And the task took 30.6 s
    And the queen ended the task with the error:
      | code               | node        | host                  | port | attempts |
      | CONNECTION_TIMEOUT | workstation | workstation.home.arpa | 9200 | 3        |
    And it says on stderr "Suggestion: Check if rbee-hive is running on workstation"
    And the exit code is 1

  # Model provisioning

  Scenario: Model found in SQLite catalog
    Given node "workstation" is registered with the queen
    And the catalogue of "workstation" has "hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF" at "/models/found/tinyllama.gguf"
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" answered that it has the model at "/models/found/tinyllama.gguf"; requests to the hub so far: 0
    And the hive of "workstation" checked RAM: 6 MB required, 8000 MB available
    And the worker on "workstation" was started with the model at "/models/found/tinyllama.gguf"
    And the exit code is 0

  Scenario: Model not found - download with progress
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" streamed how far the download was, and each time its speed:
      | bytes_downloaded | bytes_total |
      | 1048576          | 5242880     |
      | 2097152          | 5242880     |
      | 5242880          | 5242880     |
    And the hive of "workstation" streamed at last that "/models/tinyllama-q4.gguf" is complete, and the end mark
    And it says on stderr "Downloading model... [████████------------] 40% (2.0 MB / 5.0 MB) @ <speed>"
    And "/models/tinyllama-q4.gguf" on "workstation" has the hub's bytes
    And the catalogue of "workstation" has these rows, and no others:
      | provider | reference                              | local_path                |
      | hf       | TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | /models/tinyllama-q4.gguf |
    And the hive of "workstation" checked RAM: 6 MB required, 8000 MB available
    And the exit code is 0
  Scenario: Model download fails with retry
    Given node "workstation" is registered with the queen, and the hub's answers are cut after 2097152, 0, 0, 0, 0 and 0 bytes
    When the user asks "workstation" for 20 tokens
    Then the hub was asked for the bytes from 0, 2097152, 2097152, 2097152, 2097152 and 2097152 on, with 100, 200, 400, 800 and 1600 ms between
    And the task failed with "DOWNLOAD_FAILED" after 6 attempts
    And it says on stderr "Error: Model download failed after 6 attempts (DOWNLOAD_FAILED)"
    And "workstation" has no file in "/models", and no row in its catalogue
    And the exit code is 1



  Scenario: Model catalog registration after download
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens
    Then the catalogue of "workstation" has these rows, and no others:
      | provider | reference                              | local_path                | size_bytes |
      | hf       | TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | /models/tinyllama-q4.gguf | 5242880    |
    And "/models/tinyllama-q4.gguf" on "workstation" has 5242880 bytes, as the catalogue says
    And the catalogue of "workstation" says that the model was downloaded when it was
    When the user asks "workstation" for 20 tokens on device 0 of "cuda"
    Then the hive of "workstation" answered that it has the model at "/models/tinyllama-q4.gguf"; requests to the hub so far: 1
    And the exit code is 0




  # GGUF
  @gguf @team-036
  Scenario: GGUF model detection by file extension
    Given node "workstation" is registered with the queen
    And the catalogue of "workstation" has "hf:TheBloke/TinyLlama-as-bin" at "/models/tinyllama-q4.bin"
    When the user asks "workstation" for 20 tokens
    Then it says on stderr "[model-loader] 🔎 Loader quantized-llama by extension .gguf: vocabulary 32000, end token 2, Q4_K_M, 32 layers"
    When the user asks "workstation" for 20 tokens of "hf:TheBloke/TinyLlama-as-bin"
    Then it says on stderr "[llm-worker-rbee] ❌ No loader for /models/tinyllama-q4.bin: its extension is .bin, and this worker loads .gguf (quantized-llama)"
    And the exit code is 1
  @gguf @team-036
  Scenario: GGUF metadata extraction
    Given node "workstation" is registered with the queen
    And the catalogue of "workstation" has models with these headers:
      | model                                     | vocab_size | eos_token_id | file_type | layers |
      | hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | 32000      | 2            | Q4_K_M    | 32     |
      | hf:TheBloke/TinyLlama-with-another-header | 32016      | 1            | Q5_K_M    | 16     |
    When the user asks "workstation" for 20 tokens after "write a short story </s>" of each model in its catalogue
    Then the workers reported and answered, one after the other:
      | vocabulary | end_token | quantization | layers | tokens | stop_reason | exit_code |
      | 32000      | 2         | Q4_K_M       | 32     | 4      | EOS         | 0         |
      | 32016      | 1         | Q5_K_M       | 16     | 20     | MAX_TOKENS  | 0         |
  @gguf @team-036
  Scenario: GGUF quantization formats supported
    Given node "workstation" is registered with the queen
    And the catalogue of "workstation" has models in Q4_K_M, Q5_K_M and Q8_0, of 669, 817 and 1260 MB
    When the user asks "workstation" for 5 tokens after "write a short story" of each model in its catalogue
    Then the workers reported and answered, one after the other:
      | quantization | vram_mb | tokens | exit_code |
      | Q4_K_M       | 669     | 5      | 0         |
      | Q5_K_M       | 817     | 5      | 0         |
      | Q8_0         | 1260    | 5      | 0         |


  @gguf @team-036
  Scenario: GGUF model size calculation
    Given node "workstation" is registered with the queen
    And the hub's model has 10485761 bytes, and "workstation" has 12 MB of RAM free
    When the user asks "workstation" for 20 tokens
    Then "/models/tinyllama-q4.gguf" on "workstation" has 10485761 bytes, as the catalogue says
    And the hive of "workstation" checked RAM: 13 MB required, 12 MB available
    And the hive of "workstation" started no worker, and answered:
      | status | code           | required | available |
      | 507    | VRAM_EXHAUSTED | 13       | 12        |
    And the exit code is 1
  # Worker preflight
  Scenario: Worker preflight RAM check passes
    Given node "workstation" is registered and has 8000 MB of RAM free, for a model of 5000 MB
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" checked RAM: 6000 MB required, 8000 MB available
    And the hive of "workstation" looked for device 1 of "cuda" after its RAM check, and found it
    And the exit code is 0


  Scenario: Worker preflight RAM check fails
    Given node "workstation" is registered and has 4000 MB of RAM free, for a model of 5000 MB
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" checked RAM: 6000 MB required, 4000 MB available
    And the hive of "workstation" started no worker, and answered:
      | status | code           | required | available |
      | 507    | VRAM_EXHAUSTED | 6000     | 4000      |
    And it says on stderr "Suggestion: Try a smaller quantized model (Q4 instead of Q8)"
    And the exit code is 1


  Scenario: Worker preflight backend check passes
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" looked for device 1 of "cuda" after its RAM check, and found it
    And a worker runs on "workstation" with backend "cuda" and device "1"
    And the exit code is 0

  Scenario: Worker preflight backend check fails
    Given node "workstation" is registered with the queen
    And the backends of "workstation" are "cpu, cuda"
    When the user asks "workstation" for 20 tokens on device 0 of "metal"
    Then the hive of "workstation" started no worker, and answered:
      | status | code                | requested | available |
      | 400    | BACKEND_UNAVAILABLE | metal     | cpu, cuda |
    And it says on stderr "  Requested: metal"
    And it says on stderr "  Available: cpu, cuda"
    And the exit code is 1

  # Worker start, registration, health

  Scenario: Worker startup sequence
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens
    Then the command line of the worker on "workstation" has:
      | --model                   | --backend | --device | --port |
      | /models/tinyllama-q4.gguf | cuda      | 1        | 8001   |
    And the process of the worker on "workstation" listens at port 8001
    And all who ask the worker on "workstation" show the API key of its command line, which is in no log
    And the hive of "workstation" answered the request for a worker before any layer was loaded, with:
      | worker_id   | url                               | state   | model_ref                                 | backend | device |
      | worker-<id> | http://workstation.home.arpa:8001 | loading | hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | cuda    | 1      |
    And the worker on "workstation" showed its hive its key and sent it, once, "POST /v1/workers/ready" with exactly:
      | worker_id   | url                               | uri                               | model_ref                 | backend | device | vram_bytes |
      | worker-<id> | http://workstation.home.arpa:8001 | http://workstation.home.arpa:8001 | /models/tinyllama-q4.gguf | cuda    | 1      | 5242880    |
    And the worker on "workstation" began to load its model after that was answered
    And the exit code is 0


  Scenario: Worker ready callback
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens, up to the ready callback of the worker
    And the operator asks the hive of "workstation" for its workers
    Then the worker on "workstation" showed its hive its key and sent it, once, "POST /v1/workers/ready" with exactly:
      | worker_id   | url                               | uri                               | model_ref                 | backend | device | vram_bytes |
      | worker-<id> | http://workstation.home.arpa:8001 | http://workstation.home.arpa:8001 | /models/tinyllama-q4.gguf | cuda    | 1      | 5242880    |
    And the hive of "workstation" acknowledged the ready callback with 200 and "Worker registered as ready"
    And the hive of "workstation" listed:
      | id          | url                               | state   | vram_bytes |
      | worker-<id> | http://workstation.home.arpa:8001 | loading | 5242880    |










  Scenario: Worker registration in in-memory registry
    Given node "workstation" is registered with the queen
    And the hive runs on "workstation"
    When the user asks "workstation" for 20 tokens, up to the ready callback of the worker
    And the operator asks the hive of "workstation" for its workers
    Then the hive of "workstation" listed:
      | id          | url                               | model_ref                                 | backend | device |
      | worker-<id> | http://workstation.home.arpa:8001 | hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | cuda    | 1      |
    And the hive of "workstation" listed:
      | id          | state   | slots_total | slots_available |
      | worker-<id> | loading | 1           | 0               |
    When the hive of "workstation" is killed and started again
    And the operator asks the hive of "workstation" for its workers
    Then the hive of "workstation" listed no worker
    And a worker runs on "workstation" with backend "cuda" and device "1"




  Scenario: Worker health check while loading
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens, up to layer 8 of the model
    Then the worker on "workstation", asked whether it is ready, last said:
      | ready | state   | progress_url                                          |
      | false | loading | http://workstation.home.arpa:8001/v1/loading/progress |
    And the worker on "workstation", asked at that address, told first these events and goes on:
      | stage           | layers_loaded | layers_total |
      | loading_to_vram | 4             | 32           |
      | loading_to_vram | 8             | 32           |




  Scenario: Worker loading progress stream
    Given node "workstation" is registered, and has a model of 640 MB
    When the user asks "workstation" for 20 tokens
    Then the worker on "workstation" told of its loading, event by event:
      | layers_loaded | 4  | 8   | 12  | 16  | 20  | 24  | 28  | 32  |
      | vram_mb       | 80 | 160 | 240 | 320 | 400 | 480 | 560 | 640 |
    And the worker on "workstation" at last told of 32 of 32 layers, that it is ready, and the end mark
    And it says on stderr "Loading model to VRAM... [███████████████-----] 75% (24/32 layers)"
    And it says on stderr "Model ready!"
    And the exit code is 0


  Scenario: Worker health check when ready
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens
    Then the worker on "workstation", asked whether it is ready, last said:
      | ready | state | model_loaded |
      | true  | idle  | true         |
    And these hops were seen, in this order:
      | asker | asked  | for                       |
      | blep  | worker | GET /v1/loading/progress  |
      | blep  | worker | GET /v1/ready             |
      | blep  | worker | POST /v1/inference        |
    And the exit code is 0
  @needs-clock
  Scenario: Worker loading timeout
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens, and the worker stops dead at layer 28 of the model
    Then the queen ended the task with the error:
      | code            | node        | state   | layers_loaded | layers_total |
      | LOADING_TIMEOUT | workstation | loading | 28            | 32           |
    And the user's program ended 300 s after the worker was started
    And it says on stderr "Suggestion: Check worker logs on workstation for errors"
    And the exit code is 1



  # Inference
  Scenario: Inference request with SSE streaming
    Given node "workstation" is registered with the queen
    And worker "worker-abc123" is idle on "workstation"
    When the user asks "workstation" for 20 tokens
    Then "worker-abc123" was asked once, with the API key that its hive gave it, for:
      | prompt              | max_tokens | temperature | stream |
      | write a short story | 20         | 0.7         | true   |
    And the worker answered with status 200 and content type "text/event-stream"
    And the worker's stream has tokens 0 to 19, an end record of 20 in 2000 ms, the end mark
    And each token was on stdout in the moment in which it left the worker
    And 20 tokens were printed to stdout, as the worker sent them
    And the hive of "workstation" was told that "worker-abc123" is idle, busy, idle, in this order
    And the exit code is 0


















  Scenario: Inference request when worker is busy
    Given node "workstation" is registered with the queen
    And worker "worker-abc123" is idle on "workstation"
    And another user's request of 2048 tokens has the only slot of "workstation"
    When the user asks "workstation" for 20 tokens
    Then the worker refused the user's request, each time with:
      | status | code           | message                         | slots_total | slots_busy |
      | 503    | ALL_SLOTS_BUSY | Worker is busy, try again later | 1           | 1          |
    And the request was answered with 503, again after 1, 2 and 4 s, and then no more made
    And it says on stderr:
      """
      Error: Worker still busy after 3 retries
      Suggestion: Wait for current request to complete or use a different node
      """
    And the exit code is 1












  # Edge cases
  @needs-clock
  Scenario: EC1 - Connection timeout with retry and backoff
    Given node "workstation" is registered with the queen, and then its host never says a word
    When the user asks "workstation" for 20 tokens
    Then port 9200 of "workstation.home.arpa" was tried three times for 10 s, the second 200 ms and the third 400 ms after the one before
    And it says on stderr, and ends with exit code 1:
      """
      [queen-rbee] Attempt 1: Connecting to workstation.home.arpa:9200... (timeout 10s)
      [queen-rbee] Attempt 2: Connecting to workstation.home.arpa:9200... (timeout 10s, delay 200ms)
      [queen-rbee] Attempt 3: Connecting to workstation.home.arpa:9200... (timeout 10s, delay 400ms)
      Error: Cannot connect to workstation.home.arpa:9200 after 3 attempts
      Suggestion: Check if rbee-hive is running on workstation
      """

  Scenario: EC2 - Model download failure with retry
    Given node "workstation" is registered with the queen, and the hub's answers are cut after 2097152, 1048576, 0, 0, 0 and 0 bytes
    When the user asks "workstation" for 20 tokens
    Then the hub was asked for the bytes from 0, 2097152, 3145728, 3145728, 3145728 and 3145728 on, with 100, 200, 400, 800 and 1600 ms between
    And among other lines it says on stderr, in this order:
      """
      Downloading model... [████████------------] 40% (2.0 MB / 5.0 MB) @ <speed>
      Error: Connection reset by peer
      Retrying download (attempt 2/6)... delay 100ms
      Downloading model... [████████████--------] 60% (3.0 MB / 5.0 MB) @ <speed>
      Error: Model download failed after 6 attempts (DOWNLOAD_FAILED)
      """
    And the exit code is 1
  Scenario: EC3 - Insufficient VRAM
    Given node "workstation" is registered and has 4000 MB free on device 1, for a model of 5000 MB
    When the user asks "workstation" for 20 tokens
    Then it says on stderr, and ends with exit code 1:
      """
      Error: Insufficient VRAM on workstation
        Required: 6000 MB
        Available: 4000 MB

      Suggestion: Try a smaller quantized model (Q4 instead of Q8)
      """
    And the hive of "workstation" checked VRAM: 6000 MB required, 4000 MB available


  Scenario: EC4 - Worker crash during inference
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user asks "workstation" for 20 tokens, and the worker is killed after token 12
    And the operator asks the hive of "workstation" for its workers
    Then the worker's stream broke off after 12 tokens, without its end mark
    And the text of the 12 tokens is on stdout, and in the file that the user was told of
    And it says on stderr, and ends with exit code 1:
      """
      Error: SSE stream closed unexpectedly

      Partial result saved to: /tmp/rbee-partial-<id>.txt
      Tokens generated: 12 / 20
      """
    And the hive of "workstation" listed no worker
    And the log of "workstation" has "rbee-hive: worker worker-abc123 crashed (exit code -9)"

  Scenario: EC5 - Client cancellation with Ctrl+C
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user asks "workstation" for 20 tokens, and presses Ctrl+C after token 5
    And 2 seconds pass
    And the operator asks the hive of "workstation" for its workers
    Then the request was canceled at its worker within 5 s, and no token came after that
    And the hive of "workstation" listed:
      | id            | state | slots_total | slots_available |
      | worker-abc123 | idle  | 1           | 1               |
    And it says on stderr "Canceled."
    And the exit code is 130


  Scenario: EC6 - Queue full with retry
    Given node "workstation" is registered with the queen
    And worker "worker-abc123" is idle on "workstation"
    And another user's request of 2048 tokens has the only slot of "workstation"
    When the user asks "workstation" for 20 tokens
    Then the request was answered with 503, again after 1, 2 and 4 s, and then no more made
    And it says on stderr:
      """
      [queen-rbee] Worker is busy, retrying in 1 second...
      [queen-rbee] Worker is busy, retrying in 2 seconds...
      [queen-rbee] Worker is busy, retrying in 4 seconds...
      Error: Worker still busy after 3 retries
      Suggestion: Wait for current request to complete or use a different node
      """
    And the exit code is 1
  @needs-clock
  Scenario: EC7 - Model loading timeout
    Given node "workstation" is registered with the queen
    When the user asks "workstation" for 20 tokens, and the worker stops dead at layer 28 of the model
    Then it says on stderr, and ends with exit code 1:
      """
      Error: Model loading timeout after 5 minutes
      Worker state: loading (stuck at 28/32 layers)

      Suggestion: Check worker logs on workstation for errors
      """
    And the user's program ended 300 s after the worker was started

  Scenario: EC8 - Version mismatch
    Given node "workstation" is registered with the queen
    And rbee-hive on "workstation" has version "0.2.0"
    When the user asks "workstation" for 20 tokens
    Then it says on stderr:
      """
      Error: Version mismatch
        rbee-keeper: v0.1.0
        rbee-hive: v0.2.0

      Please upgrade rbee-keeper to v0.2.0:
        cargo install rbee-keeper --version 0.2.0
      """
    And the exit code is 1

  Scenario: EC9 - Invalid API key
    Given node "workstation" is registered with the queen
    And the hive of "workstation" runs and asks for the API key "right_key"
    And the user's own API key is "wrong_key"
    When the user asks "workstation" for 20 tokens
    Then the queen was shown "Bearer wrong_key" by the user's program, and showed it to the hive of "workstation"
    And the hive of "workstation" refused her, with:
      | status | code            | message                    |
      | 401    | INVALID_API_KEY | Invalid or missing API key |
    And nothing more was asked of "workstation", and no worker runs there
    And it says on stderr:
      """
      Error: Authentication failed
        Invalid API key for workstation.home.arpa

      Check your configuration:
        ~/.rbee/config.yaml
      """
    And the exit code is 1





  @needs-clock
  Scenario: EC10 - Idle timeout and worker auto-shutdown
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user asks "workstation" for 20 tokens
    And 5 minutes and 2 seconds pass
    And the user asks "workstation" for 20 tokens
    Then so long after "worker-abc123" had become idle for the last time, this was seen on "workstation":
      | after | what                                                      |
      | 5:00  | workstation → worker: POST /v1/admin/shutdown             |
      | 5:01  | [model-loader] 🧹 Model unloaded, 5 MB of VRAM free again |
      | 5:02  | rbee-hive: worker worker-abc123 exited with code 0        |
    And the next inference found no worker on "workstation", and had another one than "worker-abc123" started
    And the exit code is 0


  # Lifecycle
  @lifecycle @critical @needs-clock
  Scenario: Rbee-hive remains running as persistent HTTP daemon
    Given worker "worker-abc123" is idle on "workstation"
    When 5 minutes pass
    And the operator starts worker "worker-def456" on "workstation"
    Then its hive asked "worker-abc123" for its health every 30 s, 10 times, and got an answer each time
    And its hive asked "worker-abc123" to shut down when it had been idle for 5 minutes
    And "worker-abc123" and "worker-def456" called back, and the hive answered each with 200
    And the hive that the operator started on "workstation" still runs, and is the only one


  @lifecycle @needs-clock
  Scenario: Rbee-hive monitors worker health
    Given worker "worker-abc123" is idle on "workstation"
    When 30 seconds later the operator asks the hive of "workstation" for its workers
    Then the hive of "workstation" asked "worker-abc123" for its health once, and lists the answer as its last activity
    When worker "worker-abc123" stops dead
    And 35 seconds later the operator asks the hive of "workstation" for its workers
    Then the hive of "workstation" lists "worker-abc123" as unhealthy
    When 60 seconds later the operator asks the hive of "workstation" for its workers
    Then the hive of "workstation" lists no worker: "worker-abc123" left 3 health checks in a row, 30 s apart, unanswered for 5 s
    And the hive that the operator started on "workstation" still runs, and is the only one
  @lifecycle @critical @needs-clock
  Scenario: Rbee-hive enforces idle timeout (worker dies, pool lives)
    Given worker "worker-abc123" is idle on "workstation"
    When 5 minutes and 2 seconds pass
    And the operator starts worker "worker-def456" on "workstation"
    And the operator asks the hive of "workstation" for its workers
    Then its hive asked "worker-abc123" to shut down when it had been idle for 5 minutes
    And "worker-abc123" was asked to shut down, and 2 s later its process ended with exit code 0
    And the hive of "workstation" lists only "worker-def456", at the port and on the device that "worker-abc123" had
    And the hive that the operator started on "workstation" still runs, and is the only one
  @lifecycle @critical
  Scenario: Cascading shutdown when rbee-hive receives SIGTERM
    Given workers "worker-1", "worker-2" and "worker-3" are idle on "workstation"
    And worker "worker-3" stops dead
    When the operator ends the hive with SIGTERM
    Then "worker-1" was asked to shut down, and 2 s later its process ended with exit code 0
    And "worker-2" was asked to shut down, and 2 s later its process ended with exit code 0
    And "worker-3" was asked to shut down, and 5 s later its process ended with exit code -9
    And the hive of "workstation" ended with exit code 0 when all of its workers had
    And the catalogue of "workstation" has these rows, and no others:
      | provider | reference                              | local_path                |
      | hf       | TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF | /models/tinyllama-q4.gguf |
  @lifecycle @critical
  Scenario: rbee-keeper exits after inference (CLI dies, daemons live)
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user asks "workstation" for 20 tokens
    And the operator asks the hive of "workstation" for its workers
    Then 20 tokens were printed to stdout, as the worker sent them
    And the exit code is 0
    And the hive that the operator started on "workstation" still runs, and is the only one
    And worker "worker-abc123" that it started on "workstation" still runs, is the only one, and is listed as idle

  @lifecycle @critical
  Scenario: Ephemeral mode - rbee-keeper spawns rbee-hive
    Given no queen, hive or worker runs
    When the user runs, up to the first token:
      """
      rbee-keeper infer --ephemeral --model hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF --prompt "write a short story"
        --max-tokens 20 --temperature 0.7 --backend cpu --device 0
      """
    Then queen-rbee and rbee-hive are children of rbee-keeper, and llm-worker-rbee is one of rbee-hive
    When the user's program goes on to its end
    Then 20 tokens were printed to stdout, as the worker sent them
    And on SIGTERM the hive asked its worker to shut down, which 2 s later had ended with exit code 0, says "~/.rbee/logs/rbee-hive.log"
    And no queen, hive or worker is left
    And the exit code is 0
  @lifecycle @critical
  Scenario: Persistent mode - rbee-hive pre-started
    Given node "workstation" is registered with the queen
    And the hive runs on "workstation"
    When the user asks "workstation" for 20 tokens
    Then "workstation" was asked over SSH to run:
      """
      echo 'connection test'
      """
    And 20 tokens were printed to stdout, as the worker sent them
    And the exit code is 0
    And the hive that the operator started on "workstation" still runs, and is the only one
    And a worker runs on "workstation" with backend "cuda" and device "1"

  # Errors, installation, commands

  Scenario: Error response structure validation
    Given node "workstation" is registered and has 4000 MB of RAM free, for a model of 5000 MB
    When the user asks "workstation" for 20 tokens
    Then the hive of "workstation" answered the request for a worker with status 507 and this error:
      """
      {
        "error": {
          "code": "VRAM_EXHAUSTED",
          "details": {
            "available": 4000,
            "required": 6000
          },
          "message": "Insufficient VRAM: need 6000 MB, have 4000 MB"
        }
      }
      """
    And the user's program was told the error of "workstation" unchanged; its code "VRAM_EXHAUSTED" is a published one
    And the exit code is 1






  @install @team-036
  Scenario: CLI command - install to user paths
    When the user runs "rbee-keeper install"
    Then it prints:
      """
      ✅ Installation complete!
      """
    And these are there on "blep":
      | path                        | what       |
      | ~/.local/share/rbee/models  | directory  |
      | ~/.config/rbee/config.toml  | file       |
    When the user runs each program in "~/.local/bin" with "--help"
    Then rbee-keeper, rbee-hive and llm-worker-rbee have run, printed their usage and ended with 0
    And the exit code is 0

  @install @team-036
  Scenario: CLI command - install to system paths
    Given the system's directories are the scenario's own, and hold nothing of rbee
    When without the right to write to the system's directories the user runs "rbee-keeper install --system"
    Then it ends with exit code 1, has written nothing there, and says "Suggestion: Use sudo: sudo rbee-keeper install --system" on stderr
    When the user runs "rbee-keeper install --system"
    Then rbee-keeper, rbee-hive and llm-worker-rbee are installed in "/usr/local/bin" on "blep"
    And "/etc/rbee/config.toml" on "blep" names the directory "/var/lib/rbee/models" for models, and it is there
    And the exit code is 0

  @install @team-036
  Scenario: Config file loading with XDG priority
    Given the config file "/etc/rbee/config.toml" names "rbee/target/release/rbee-hive" as the remote binary
    And the config file "~/.config/rbee/config.toml" names "./rbee/target/release/rbee-hive" as the remote binary
    And the config file "~/chosen.toml" names "~/rbee/target/release/rbee-hive" as the remote binary
    When with RBEE_CONFIG "~/chosen.toml" the user runs "rbee-keeper pool status --host workstation.home.arpa"
    And the user runs "rbee-keeper pool status --host workstation.home.arpa"
    And without "~/.config/rbee/config.toml" the user runs "rbee-keeper pool status --host workstation.home.arpa"
    Then "workstation" was asked over SSH to run:
      """
      ~/rbee/target/release/rbee-hive status
      ./rbee/target/release/rbee-hive status
      rbee/target/release/rbee-hive status
      """
    And it prints "Status: OK", and ends with exit code 0
  @install @team-036
  Scenario: Remote binary path configuration
    Given the config file "~/.config/rbee/config.toml" has the section:
      """
      [remote]
      binary_path = "~/rbee/target/release/rbee-hive"
      git_repo_dir = "~/rbee"
      """
    When the user runs "rbee-keeper pool git --host workstation.home.arpa status"
    And the user runs "rbee-keeper pool status --host workstation.home.arpa"
    Then "workstation" was asked over SSH to run:
      """
      cd ~/rbee && git status
      ~/rbee/target/release/rbee-hive status
      """
    And it prints "Status: OK", and ends with exit code 0
  Scenario: CLI command - basic inference
    Given node "workstation" is registered with the queen
    When the user runs:
      """
      rbee-keeper infer --node workstation --model hf:TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF --prompt "write a short story" --max-tokens 20 --temperature 0.7 --backend cuda --device 1
      """
    Then these hops were seen, in this order:
      | asker       | asked       | for                                                        |
      | blep        | queen       | POST /v2/tasks                                             |
      | blep        | workstation | cd ~/rbee && ./target/release/rbee-hive daemon --port 9200 |
      | workstation | hub         | GET tinyllama-q4.gguf                                      |
      | workstation | hive        | POST /v1/workers/ready                                     |
      | blep        | worker      | POST /v1/inference                                         |
    And a worker runs on "workstation" with backend "cuda" and device "1"
    And 20 tokens were printed to stdout, as the worker sent them
    And the exit code is 0
  Scenario: CLI command - list workers
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    And node "blep" is registered, and its hive loads worker "worker-def456" on the cpu
    When the user runs "rbee-keeper workers list"
    Then it shows "worker-def456" on "blep" as loading, then "worker-abc123" on "workstation" as idle, and no more
    And the exit code is 0
  Scenario: CLI command - check worker health
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user runs "rbee-keeper workers health --node workstation"
    Then it prints "✓ worker-abc123 - idle (ready: true)", as the hive of "workstation" told the queen
    And the exit code is 0
  Scenario: CLI command - manually shutdown worker
    Given node "workstation" is registered and runs idle worker "worker-abc123"
    When the user runs "rbee-keeper workers shutdown --id worker-abc123"
    And 2 seconds pass
    Then "worker-abc123" unloaded its model 1 s after it was asked to shut down
    And "worker-abc123" was asked to shut down, and 2 s later its process ended with exit code 0
    And the exit code is 0
  Scenario: CLI command - view logs
    Given node "workstation" is registered with the queen
    And the hive runs on "workstation"
    When the user begins to follow a log with "rbee-keeper logs --node workstation --follow"
    And the operator starts worker "worker-abc123" on "workstation"
    And 2 seconds pass
    And the user presses Ctrl+C
    Then the user has read these lines of the log of "workstation", each when it was written:
      """
      rbee-hive: worker worker-abc123 listens at http://workstation.home.arpa:8001 and loads its model
      rbee-hive: worker worker-abc123 is idle
      """
    And the exit code is 130
