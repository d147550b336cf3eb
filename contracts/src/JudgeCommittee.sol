// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IJudgeCommittee} from "./interfaces/IJudgeCommittee.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title JudgeCommittee
/// @notice Behaviour, units and errors are documented on `IJudgeCommittee`.
contract JudgeCommittee is IJudgeCommittee, AccessManaged {
    uint256 public constant SEATS = 5;
    uint256 public constant VOTES = 3;
    /// @dev Candidates looked at in a draw; with a third of the indices eligible a full committee is all but certain.
    uint256 private constant MAX_CANDIDATES = 96;

    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    IRandomness public immutable RANDOMNESS;

    mapping(uint256 caseId => Committee) private _committees;
    mapping(uint256 caseId => mapping(uint256 seat => Seat)) private _seats;

    constructor(address manager, IOperatorRegistry operatorRegistry, IStakeVault stakeVault, IRandomness randomness)
        AccessManaged(manager)
    {
        require(
            address(operatorRegistry) != address(0) && address(stakeVault) != address(0)
                && address(randomness) != address(0),
            JudgeCommittee_ZeroAddress()
        );
        OPERATOR_REGISTRY = operatorRegistry;
        STAKE_VAULT = stakeVault;
        RANDOMNESS = randomness;
        emit JudgeCommitteeConfigured(address(operatorRegistry), address(stakeVault), address(randomness));
    }

    /// @inheritdoc IJudgeCommittee
    function request(Brief calldata brief) external restricted {
        Committee storage committee = _committees[brief.caseId];
        require(committee.round == 0, JudgeCommittee_AlreadyRequested(brief.caseId));
        // Fixed now: who could change them once the seed is known would choose among committees.
        bytes32 domain = OPERATOR_REGISTRY.operatorOf(brief.operator).domain;
        uint32 operatorCount = OPERATOR_REGISTRY.operatorCount();
        uint64 round = _freshRound();
        committee.brief = brief;
        committee.domain = domain;
        committee.operatorCount = operatorCount;
        committee.round = round;
        emit CommitteeRequested(brief.caseId, round, operatorCount, domain, brief);
    }

    /// @inheritdoc IJudgeCommittee
    function draw(uint256 caseId) external returns (bool drawn) {
        Committee storage committee = _committees[caseId];
        uint64 round = committee.round;
        require(round != 0, JudgeCommittee_NotRequested(caseId));
        require(!committee.drawn, JudgeCommittee_AlreadyDrawn(caseId));
        (IRandomness.Status status, bytes32 value) = RANDOMNESS.seed(round);
        require(status != IRandomness.Status.Pending, JudgeCommittee_SeedPending(caseId, round));
        if (status == IRandomness.Status.Expired) {
            round = _freshRound();
            committee.round = round;
            emit CommitteeReseeded(caseId, round);
            return false;
        }
        committee.drawn = true;
        _seat(caseId, committee, keccak256(abi.encode(value, caseId, address(this))));
        return true;
    }

    /// @inheritdoc IJudgeCommittee
    function commit(uint256 caseId, uint8 seat, bytes32 commitment) external {
        Committee storage committee = _committees[caseId];
        Seat storage taken = _taken(caseId, committee, seat);
        address member = taken.member;
        require(
            msg.sender == member || msg.sender == OPERATOR_REGISTRY.settlerOf(member),
            JudgeCommittee_NotMember(msg.sender, member)
        );
        uint64 closedAt = committee.commitUntil;
        require(block.timestamp < closedAt, JudgeCommittee_CommitsClosed(caseId, closedAt));
        require(commitment != bytes32(0), JudgeCommittee_EmptyHash());
        require(taken.commitment == bytes32(0), JudgeCommittee_AlreadyCommitted(caseId, seat));
        taken.commitment = commitment;
        ++committee.commits;
        emit VerdictCommitted(member, caseId, seat, commitment);
    }

    /// @inheritdoc IJudgeCommittee
    function reveal(uint256 caseId, uint8 seat, bytes32 outputHash, bytes32 salt) external {
        Committee storage committee = _committees[caseId];
        Seat storage taken = _taken(caseId, committee, seat);
        require(
            committee.commits == committee.seats || block.timestamp >= committee.commitUntil,
            JudgeCommittee_CommitsOpen(caseId, committee.commitUntil)
        );
        uint64 closedAt = committee.revealUntil;
        require(block.timestamp < closedAt, JudgeCommittee_RevealsClosed(caseId, closedAt));
        require(outputHash != bytes32(0), JudgeCommittee_EmptyHash());
        require(taken.outputHash == bytes32(0), JudgeCommittee_AlreadyRevealed(caseId, seat));
        address member = taken.member;
        bytes32 expected = keccak256(abi.encode(caseId, member, outputHash, salt));
        require(taken.commitment == expected, JudgeCommittee_WrongReveal(caseId, seat));
        taken.outputHash = outputHash;
        ++committee.reveals;
        emit VerdictRevealed(member, caseId, seat, outputHash);
    }

    /// @inheritdoc IJudgeCommittee
    function committeeOf(uint256 caseId) external view returns (Committee memory) {
        return _committees[caseId];
    }

    /// @inheritdoc IJudgeCommittee
    function seatOf(uint256 caseId, uint8 seat) external view returns (Seat memory) {
        return _taken(caseId, _committees[caseId], seat);
    }

    /// @inheritdoc IJudgeCommittee
    function verdictOf(uint256 caseId) external view returns (Verdict) {
        Committee storage committee = _committees[caseId];
        uint256 seats = committee.seats;
        if (!committee.drawn) return Verdict.None;
        if (seats == 0) return Verdict.Inconclusive;
        if (committee.reveals < seats && block.timestamp < committee.revealUntil) return Verdict.None;
        return _tally(caseId, seats, committee.brief.outputHash, committee.brief.exact);
    }

    function _tally(uint256 caseId, uint256 seats, bytes32 claimed, bool exact) private view returns (Verdict) {
        bytes32[] memory outputs = new bytes32[](seats);
        uint256 right = 0;
        uint256 wrong = 0;
        for (uint256 i = 0; i < seats; ++i) {
            bytes32 output = _seats[caseId][i].outputHash;
            if (output == bytes32(0)) continue;
            outputs[i] = output;
            if (output == claimed) {
                ++right;
                continue;
            }
            // Where outputs are bit-exact, three judges with three outputs show nothing but their own faults.
            uint256 agreed = exact ? _count(outputs, output) : wrong + 1;
            wrong = Math.max(wrong, agreed);
        }
        if (right >= VOTES) return Verdict.Passed;
        return wrong >= VOTES ? Verdict.Failed : Verdict.Inconclusive;
    }

    function _seat(uint256 caseId, Committee storage committee, bytes32 seed) private {
        address[] memory members = _draw(committee, seed);
        uint96[] memory caps = new uint96[](members.length);
        for (uint256 i = 0; i < members.length; ++i) {
            // What does not fit is capped.
            // forge-lint: disable-next-line(unsafe-typecast)
            caps[i] = uint96(Math.min(STAKE_VAULT.slashable(members[i]), type(uint96).max));
            (_seats[caseId][i].member, _seats[caseId][i].cap) = (members[i], caps[i]);
        }
        // At most `SEATS`.
        // forge-lint: disable-next-line(unsafe-typecast)
        committee.seats = uint8(members.length);
        uint64 commitUntil = 0;
        uint64 revealUntil = 0;
        if (members.length != 0) {
            commitUntil = uint64(block.timestamp) + committee.brief.commitWindow;
            revealUntil = commitUntil + committee.brief.revealWindow;
        }
        (committee.commitUntil, committee.revealUntil) = (commitUntil, revealUntil);
        emit JudgesDrawn(caseId, seed, members, caps, commitUntil, revealUntil);
    }

    /// @dev Draws without replacement.
    function _draw(Committee storage committee, bytes32 seed) private view returns (address[] memory members) {
        members = new address[](SEATS);
        uint256 found = 0;
        uint32 operatorCount = committee.operatorCount;
        for (uint256 i = 0; i < MAX_CANDIDATES && found < SEATS && operatorCount != 0; ++i) {
            // Below the number of operators.
            // forge-lint: disable-next-line(unsafe-typecast)
            uint32 index = uint32(uint256(keccak256(abi.encode(seed, i))) % operatorCount);
            address candidate = OPERATOR_REGISTRY.operatorAt(index);
            if (_contains(members, found, candidate) || !_mayJudge(committee, candidate)) continue;
            members[found++] = candidate;
        }
        // Too few to judge are none: nobody must wait for them, and they owe nothing.
        if (found < VOTES) found = 0;
        assembly ("memory-safe") {
            mstore(members, found)
        }
    }

    function _mayJudge(Committee storage committee, address candidate) private view returns (bool) {
        return candidate != committee.brief.operator && candidate != committee.brief.challenger
            && OPERATOR_REGISTRY.offering(candidate, committee.brief.modelId).active
            && OPERATOR_REGISTRY.isEligible(candidate)
            && OPERATOR_REGISTRY.operatorOf(candidate).domain != committee.domain;
    }

    function _taken(uint256 caseId, Committee storage committee, uint8 seat) private view returns (Seat storage) {
        require(committee.drawn, JudgeCommittee_NotDrawn(caseId));
        require(seat < committee.seats, JudgeCommittee_SeatUnknown(caseId, seat));
        return _seats[caseId][seat];
    }

    function _freshRound() private view returns (uint64) {
        return RANDOMNESS.roundFor(uint64(block.timestamp), uint64(block.number));
    }

    function _contains(address[] memory members, uint256 length, address candidate) private pure returns (bool) {
        for (uint256 i = 0; i < length; ++i) {
            if (members[i] == candidate) return true;
        }
        return false;
    }

    function _count(bytes32[] memory outputs, bytes32 output) private pure returns (uint256 count) {
        for (uint256 i = 0; i < outputs.length; ++i) {
            if (outputs[i] == output) ++count;
        }
    }
}
