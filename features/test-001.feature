Feature: TEST-001 - inference across the nodes of rbee

  rbee runs language models on the machines of a household: rbee-keeper (the command line) asks queen-rbee (one for all),
  which starts rbee-hive on a node over SSH, which starts an llm-worker-rbee per model.

  - A title's line is its address, and does not move: behave features/test-001.feature:949
  - A Then is read from what a program left behind: exit code, printed text, an exchange on the network, a row, a file, a
    process, a login, a time on the clock. Figures are meant literally; an MB is a MiB.
  - Nothing in the background registers a node; a scenario that uses one does so in a step of its own.
  - @needs-clock takes more than 30 real seconds without the clock: skipped when a program of your own is tested.

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
  @registry-setup @critical @wip
  Scenario: Add remote rbee-hive node to registry
    Given the registry of nodes is empty





































  @registry-setup @wip
  Scenario: Add node with SSH connection failure
    Given the registry of nodes is empty



















  @registry-setup @wip
  Scenario: Install rbee-hive on remote node
    Given node "workstation" is registered with the queen























  @registry-setup @wip
  Scenario: List registered rbee-hive nodes
    Given node "workstation" is registered with the queen

















  @registry-setup @wip
  Scenario: Remove node from rbee-hive registry
    Given node "workstation" is registered with the queen








  @registry-setup @critical @wip
  Scenario: Inference fails when node not in registry
    Given the registry of nodes is empty




















  # The whole flow
  @wip
  Scenario: Happy path - cold start inference on remote node
    Given node "workstation" is registered with the queen



















































  @wip
  Scenario: Warm start - reuse existing idle worker
    Given node "workstation" is registered with the queen






























  # Worker registry
  @wip
  Scenario: Worker registry returns empty list
    Given node "workstation" is registered with the queen








  @wip
  Scenario: Worker registry returns matching idle worker
    Given node "workstation" is registered with the queen


  @wip
  Scenario: Worker registry returns matching busy worker
    Given node "workstation" is registered with the queen





  # Pool preflight
  @wip
  Scenario: Pool preflight health check succeeds
    Given node "workstation" is registered with the queen











  @wip
  Scenario: Pool preflight detects version mismatch
    Given node "workstation" is registered with the queen






  @needs-clock @wip
  Scenario: Pool preflight connection timeout with retry
    Given node "workstation" is registered with the queen











  # Model provisioning
  @wip
  Scenario: Model found in SQLite catalog
    Given node "workstation" is registered with the queen






  @wip
  Scenario: Model not found - download with progress
    Given node "workstation" is registered with the queen













  @wip
  Scenario: Model download fails with retry
    Given node "workstation" is registered with the queen








  @wip
  Scenario: Model catalog registration after download
    Given node "workstation" is registered with the queen













  # GGUF
  @gguf @team-036 @wip
  Scenario: GGUF model detection by file extension
    Given node "workstation" is registered with the queen






  @gguf @team-036 @wip
  Scenario: GGUF metadata extraction
    Given node "workstation" is registered with the queen









  @gguf @team-036 @wip
  Scenario: GGUF quantization formats supported
    Given node "workstation" is registered with the queen









  @gguf @team-036 @wip
  Scenario: GGUF model size calculation
    Given node "workstation" is registered with the queen







  # Worker preflight
  @wip
  Scenario: Worker preflight RAM check passes
    Given node "workstation" is registered with the queen





  @wip
  Scenario: Worker preflight RAM check fails
    Given node "workstation" is registered with the queen








  @wip
  Scenario: Worker preflight backend check passes
    Given node "workstation" is registered with the queen




  @wip
  Scenario: Worker preflight backend check fails
    Given node "workstation" is registered with the queen









  # Worker start, registration, health
  @wip
  Scenario: Worker startup sequence
    Given node "workstation" is registered with the queen















  @wip
  Scenario: Worker ready callback
    Given node "workstation" is registered with the queen


















  @wip
  Scenario: Worker registration in in-memory registry
    Given node "workstation" is registered with the queen
















  @wip
  Scenario: Worker health check while loading
    Given node "workstation" is registered with the queen











  @wip
  Scenario: Worker loading progress stream
    Given node "workstation" is registered with the queen









  @wip
  Scenario: Worker health check when ready
    Given node "workstation" is registered with the queen










  @needs-clock @wip
  Scenario: Worker loading timeout
    Given node "workstation" is registered with the queen









  # Inference
  @wip
  Scenario: Inference request with SSE streaming
    Given node "workstation" is registered with the queen




























  @wip
  Scenario: Inference request when worker is busy
    Given node "workstation" is registered with the queen

























  # Edge cases
  @needs-clock @wip
  Scenario: EC1 - Connection timeout with retry and backoff
    Given node "workstation" is registered with the queen










  @wip
  Scenario: EC2 - Model download failure with retry
    Given node "workstation" is registered with the queen










  @wip
  Scenario: EC3 - Insufficient VRAM
    Given node "workstation" is registered with the queen











  @wip
  Scenario: EC4 - Worker crash during inference
    Given node "workstation" is registered with the queen













  @wip
  Scenario: EC5 - Client cancellation with Ctrl+C
    Given node "workstation" is registered with the queen










  @wip
  Scenario: EC6 - Queue full with retry
    Given node "workstation" is registered with the queen













  @needs-clock @wip
  Scenario: EC7 - Model loading timeout
    Given node "workstation" is registered with the queen









  @wip
  Scenario: EC8 - Version mismatch
    Given node "workstation" is registered with the queen












  @wip
  Scenario: EC9 - Invalid API key
    Given node "workstation" is registered with the queen






















  @needs-clock @wip
  Scenario: EC10 - Idle timeout and worker auto-shutdown
    Given node "workstation" is registered with the queen












  # Lifecycle
  @lifecycle @critical @needs-clock @wip
  Scenario: Rbee-hive remains running as persistent HTTP daemon
    Given node "workstation" is registered with the queen








  @lifecycle @needs-clock @wip
  Scenario: Rbee-hive monitors worker health
    Given node "workstation" is registered with the queen








  @lifecycle @critical @needs-clock @wip
  Scenario: Rbee-hive enforces idle timeout (worker dies, pool lives)
    Given node "workstation" is registered with the queen







  @lifecycle @critical @wip
  Scenario: Cascading shutdown when rbee-hive receives SIGTERM
    Given node "workstation" is registered with the queen









  @lifecycle @critical @wip
  Scenario: rbee-keeper exits after inference (CLI dies, daemons live)
    Given node "workstation" is registered with the queen







  @lifecycle @critical @wip
  Scenario: Ephemeral mode - rbee-keeper spawns rbee-hive
    Given no queen, hive or worker runs











  @lifecycle @critical @wip
  Scenario: Persistent mode - rbee-hive pre-started
    Given node "workstation" is registered with the queen











  # Errors, installation, commands
  @wip
  Scenario: Error response structure validation
    Given node "workstation" is registered with the queen






















  @install @team-036 @wip
  Scenario: CLI command - install to user paths
    Given nothing of rbee is installed for the user












  @install @team-036 @wip
  Scenario: CLI command - install to system paths
    Given nothing of rbee is installed on the system







  @install @team-036 @wip
  Scenario: Config file loading with XDG priority
    Given the system, the user and RBEE_CONFIG each have a config file of their own












  @install @team-036 @wip
  Scenario: Remote binary path configuration
    Given the user's config file sets binary path and git directory in "[remote]"












  @wip
  Scenario: CLI command - basic inference
    Given node "workstation" is registered with the queen













  @wip
  Scenario: CLI command - list workers
    Given node "workstation" is registered with the queen



  @wip
  Scenario: CLI command - check worker health
    Given node "workstation" is registered with the queen


  @wip
  Scenario: CLI command - manually shutdown worker
    Given node "workstation" is registered with the queen




  @wip
  Scenario: CLI command - view logs
    Given node "workstation" is registered with the queen
