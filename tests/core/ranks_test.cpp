#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/ranks.hpp>

#include <map>

namespace {

using Variables = std::map<std::string, std::string>;

std::optional<mgca::RankAddress> address_of(const Variables& variables) {
  return mgca::rank_address([&](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  });
}

// `set` over `variables`; an empty value is a variable that is not set.
Variables with(Variables variables, const Variables& set) {
  for (const auto& [name, value] : set) variables[name] = value;
  return variables;
}

const Variables kTorchrun{{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29401"}};
const Variables kSlurm{{"SLURM_PROCID", "3"}, {"SLURM_LOCALID", "1"}, {"SLURM_NTASKS", "16"}, {"SLURM_STEP_NUM_TASKS", "4"},
                       {"SLURM_STEP_ID", "2"}, {"SLURM_JOB_ID", "123456"}, {"SLURM_JOB_NODELIST", "gpu[03-05,9]"}};
// As Open MPI 4.1.4 and MPICH 4.0.2 set them.
const Variables kOpenMpi{{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
                         {"PMIX_NAMESPACE", "1543569409"}};
const Variables kHydra{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}};

}  // namespace

TEST_CASE("rank address: a process that nobody told of others is alone", "[core]") {
  CHECK_FALSE(address_of({}));
  CHECK_FALSE(address_of({{"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}, {"LOCAL_RANK", "0"}, {"RANK", ""}}));  // what a site sets for everybody
  CHECK_FALSE(address_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_JOB_ID", "7"}, {"SLURM_JOB_NODELIST", "a1"}}));  // a batch script
  CHECK_FALSE(address_of(with(kSlurm, {{"SLURM_STEP_NUM_TASKS", "1"}})));
  CHECK_FALSE(address_of(with(kSlurm, {{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PTY_PORT", "40017"}})));  // the shell that salloc gives
  CHECK_FALSE(address_of({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}}));
  CHECK_FALSE(address_of(with(kSlurm, {{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}, {"MPI_LOCALRANKID", "0"}, {"MPI_LOCALNRANKS", "1"}})));
}

TEST_CASE("rank address: torchrun's variables are read, and its agent keeps the meeting place where it says so", "[core]") {
  const auto plain = address_of(kTorchrun).value();
  CHECK(plain.rank == 5);
  CHECK(plain.world == 8);
  CHECK(plain.local_rank == 1);
  CHECK(plain.host == "node1");
  CHECK(plain.port == 29401);
  CHECK_FALSE(plain.hosted);
  CHECK(plain.round.empty());
  const auto elastic = address_of(with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RUN_ID", "7f"}})).value();
  CHECK(elastic.hosted);
  CHECK(elastic.round == "7f");
  CHECK_FALSE(address_of(with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "False"}}))->hosted);
  CHECK(address_of(with(kTorchrun, {{"LOCAL_RANK", ""}}))->local_rank == 0);
  CHECK(address_of(with(with(kTorchrun, kSlurm), {{"SLURM_PROCID", "0"}}))->rank == 5);  // srun starts torchrun, torchrun the ranks
}

TEST_CASE("rank address: tasks of srun meet at the first host of their list, on a port that the job and step decide", "[core]") {
  const auto address = address_of(kSlurm).value();
  CHECK(address.rank == 3);
  CHECK(address.world == 4);
  CHECK(address.local_rank == 1);
  CHECK(address.host == "gpu03");
  CHECK_FALSE(address.hosted);
  CHECK(address.round == "123456.2");
  CHECK(address.port >= 20000);
  CHECK(address.port < 30000);
  CHECK(address.port == address_of(with(kSlurm, {{"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}}))->port);
  CHECK(address.port != address_of(with(kSlurm, {{"SLURM_STEP_ID", "3"}}))->port);
  CHECK(address_of(with(kSlurm, {{"SLURM_STEP_NUM_TASKS", ""}}))->world == 16);
  for (const auto& [list, host] : Variables{{"gpu07", "gpu07"}, {"a,b[1-2]", "a"}, {"rack[1-2]-n[07,08],x", "rack1-n07"}, {"n[9,10]-ib", "n9-ib"}, {"n-1,n-2", "n-1"}}) {
    CHECK(address_of(with(kSlurm, {{"SLURM_STEP_NODELIST", list}}))->host == host);
  }
  CHECK(address_of(with(kSlurm, {{"SLURM_JOB_NODELIST", ""}, {"SLURM_LAUNCH_NODE_IPADDR", "10.0.0.7"}}))->host == "10.0.0.7");
  const auto sent = address_of(with(kSlurm, {{"MASTER_ADDR", "10.1.1.1"}, {"MASTER_PORT", "4000"}})).value();
  CHECK(sent.host == "10.1.1.1");
  CHECK(address_of(with(kSlurm, {{"SLURM_DISTRIBUTION", "arbitrary"}, {"MASTER_ADDR", "gpu05"}}))->host == "gpu05");
  CHECK(address_of(with(kSlurm, {{"SLURM_DISTRIBUTION", "cyclic"}}))->host == "gpu03");
  CHECK(sent.port == 4000);
}

TEST_CASE("rank address: processes of mpirun meet on their host, or where they are told, on a port that the job decides", "[core]") {
  const auto address = address_of(kOpenMpi).value();
  CHECK(address.rank == 3);
  CHECK(address.world == 4);
  CHECK(address.local_rank == 3);
  CHECK(address.host == "127.0.0.1");
  CHECK_FALSE(address.hosted);
  CHECK(address.round == "1543569409");
  CHECK(address.port >= 20000);
  CHECK(address.port < 30000);
  CHECK(address.port == address_of(with(kOpenMpi, {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}}))->port);
  CHECK(address.port != address_of(with(kOpenMpi, {{"PMIX_NAMESPACE", "1543569410"}}))->port);
  const auto over_hosts = address_of(with(kOpenMpi, {{"OMPI_COMM_WORLD_LOCAL_RANK", "1"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}, {"MASTER_ADDR", "node1"}})).value();
  CHECK(over_hosts.host == "node1");
  CHECK(over_hosts.local_rank == 1);
  CHECK(over_hosts.port == address.port);
  CHECK(address_of(with(kOpenMpi, {{"MASTER_PORT", "4000"}}))->port == 4000);
  const auto hydra = address_of(with(kHydra, {{"MASTER_PORT", "4001"}})).value();
  CHECK(hydra.rank == 1);
  CHECK(hydra.world == 2);
  CHECK(hydra.local_rank == 1);
  CHECK(hydra.host == "127.0.0.1");
  CHECK(hydra.port == 4001);
  CHECK(address_of(with(kSlurm, kOpenMpi))->world == 4);  // srun starts mpirun's daemons, they the ranks
  CHECK(address_of(with(kSlurm, kOpenMpi))->host == "127.0.0.1");
  CHECK(address_of(with(kOpenMpi, kTorchrun))->world == 8);
  CHECK(address_of(with(kSlurm, {{"PMI_RANK", "9"}, {"PMI_SIZE", "10"}}))->rank == 3);  // srun --mpi=pmi2 sets these two as well
}

TEST_CASE("rank address: half-set and contradictory variables are refused with name, value and what was expected", "[core]") {
  struct Case {
    Variables variables;
    std::initializer_list<std::string_view> pieces;
  };
  for (const auto& [variables, pieces] : std::initializer_list<Case>{
           {{{"RANK", "1"}}, {"RANK is set and WORLD_SIZE is not"}},
           {{{"WORLD_SIZE", "2"}}, {"WORLD_SIZE is set and RANK is not"}},
           {with(kTorchrun, {{"MASTER_ADDR", ""}}), {"RANK is set and MASTER_ADDR is not"}},
           {with(kTorchrun, {{"MASTER_PORT", ""}}), {"RANK is set and MASTER_PORT is not"}},
           {with(kTorchrun, {{"RANK", "8"}}), {"RANK is '8'", "from 0 to 7"}},
           {with(kTorchrun, {{"RANK", "-1"}}), {"RANK is '-1'", "from 0 to 7"}},
           {with(kTorchrun, {{"RANK", "1x"}}), {"RANK is '1x'", "whole number"}},
           {with(kTorchrun, {{"WORLD_SIZE", "0"}}), {"WORLD_SIZE is '0'", "from 1"}},
           {with(kTorchrun, {{"WORLD_SIZE", "99999999999999999999"}}), {"WORLD_SIZE is '99999999999999999999'"}},
           {with(kTorchrun, {{"LOCAL_RANK", "6"}}), {"LOCAL_RANK is '6'", "from 0 to 5"}},
           {with(kTorchrun, {{"MASTER_PORT", "70000"}}), {"MASTER_PORT is '70000'", "65535"}},
           {with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "yes"}}), {"TORCHELASTIC_USE_AGENT_STORE is 'yes'", "True or False"}},
           {with(kSlurm, {{"SLURM_PROCID", "4"}}), {"SLURM_PROCID is '4'", "from 0 to 3"}},
           {with(kSlurm, {{"SLURM_LOCALID", ""}}), {"SLURM_PROCID is set and SLURM_LOCALID is not"}},
           {with(kSlurm, {{"SLURM_STEP_NUM_TASKS", ""}, {"SLURM_NTASKS", ""}}), {"SLURM_NTASKS is not"}},
           {with(kSlurm, {{"SLURM_JOB_ID", "?"}}), {"SLURM_JOB_ID is '?'"}},
           {with(kSlurm, {{"SLURM_JOB_NODELIST", ""}}), {"SLURM_JOB_NODELIST is not"}},
           {with(kSlurm, {{"SLURM_JOB_NODELIST", "gpu[1-2"}}), {"SLURM_JOB_NODELIST is 'gpu[1-2'", "MASTER_ADDR"}},
           {with(kSlurm, {{"SLURM_JOB_NODELIST", "[]"}}), {"SLURM_JOB_NODELIST is '[]'"}},
           {with(kSlurm, {{"SLURM_PTY_PORT", "40017"}}), {"4 tasks with a terminal", "SLURM_PTY_PORT", "unset SLURM_STEP_ID"}},
           {with(kSlurm, {{"SLURM_DISTRIBUTION", "arbitrary"}}), {"SLURM_DISTRIBUTION is arbitrary", "MASTER_ADDR is not set"}},
           {with(kOpenMpi, {{"OMPI_COMM_WORLD_RANK", "4"}}), {"OMPI_COMM_WORLD_RANK is '4'", "from 0 to 3"}},
           {with(kOpenMpi, {{"OMPI_COMM_WORLD_SIZE", ""}}), {"OMPI_COMM_WORLD_LOCAL_RANK is set and OMPI_COMM_WORLD_SIZE is not"}},
           {with(kOpenMpi, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}}), {"OMPI_COMM_WORLD_RANK is set and MASTER_ADDR is not"}},
           {with(kOpenMpi, {{"PMIX_NAMESPACE", ""}}), {"OMPI_COMM_WORLD_RANK is set and MASTER_PORT is not"}},
           {kHydra, {"PMI_RANK is set and MASTER_PORT is not"}}}) {
    try {
      mgca::test::expect_error([&] { (void)address_of(variables); }, pieces);
      (void)address_of(variables);
    } catch (const mgca::Error& error) {
      CHECK(error.kind() == mgca::ErrorKind::config);
    }
  }
}
