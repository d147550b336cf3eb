// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {UptimeLedger} from "../src/UptimeLedger.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {Base} from "./Base.t.sol";

contract UptimeLedgerDrawTest is Base {
    uint64 private constant PERIOD = 3;

    function setUp() public override {
        super.setUp();
        _registerOperators(12);
        _warpTo(_periodStart(PERIOD - 1));
    }

    function test_ARequestFixesABlockThatIsNotYetMined() public {
        vm.expectEmit(address(ledger));
        emit IUptimeLedger.DrawRequested(PERIOD, _blockNumber() + 2);
        vm.prank(bob);
        ledger.requestDraw(PERIOD);
        assertEq(ledger.periodOf(PERIOD).drawBlock, _blockNumber() + 2);
        assertEq(ledger.periodOf(PERIOD).committeeHash, 0);
    }

    function test_TheFirstPeriodIsDrawnBeforeGenesis() public {
        vm.warp(GENESIS - 1);
        ledger.requestDraw(0);
        _mine(3);
        assertEq(ledger.drawCommittee(0).length, 7);
    }

    function testFuzz_ACommitteeIsTheOneOfItsSeed(bytes32 blockHash) public {
        vm.assume(blockHash != 0);
        ledger.requestDraw(PERIOD);
        uint256 drawBlock = _blockNumber() + 2;
        _mine(3);
        vm.setBlockhash(drawBlock, blockHash);
        bytes32 seed = keccak256(abi.encode(blockHash, PERIOD, address(ledger)));
        uint32[] memory expected = _naiveDraw(seed);
        vm.expectEmit(address(ledger));
        emit IUptimeLedger.CommitteeDrawn(PERIOD, seed, 12, expected);
        vm.prank(bob);
        assertEq(abi.encode(ledger.drawCommittee(PERIOD)), abi.encode(expected));

        IUptimeLedger.Period memory stored = ledger.periodOf(PERIOD);
        assertEq(stored.operatorCount, 12);
        assertEq(stored.committeeHash, keccak256(abi.encode(expected)));
        assertEq(stored.reports, 0);
        assertEq(stored.resultHash, 0);
    }

    /// @dev Jailed, unbonded and exited operators get no seat; nobody gets two.
    function testFuzz_MembersAreDistinctAndEligible(bytes32 blockHash, uint256 out) public {
        vm.assume(blockHash != 0);
        uint256 left = _putOutOfService(out, 7);
        ledger.requestDraw(PERIOD);
        _mine(3);
        vm.setBlockhash(_blockNumber() - 1, blockHash);
        uint32[] memory members = ledger.drawCommittee(PERIOD);
        // The number of candidates is bounded, so that now and then one of few is missed.
        assertGe(members.length, 5);
        assertLe(members.length, 7);
        assertGe(left, 7);
        for (uint256 i = 0; i < members.length; ++i) {
            assertLt(members[i], 12);
            assertTrue(operatorRegistry.isEligible(operatorRegistry.operatorAt(members[i])));
            for (uint256 j = 0; j < i; ++j) {
                assertNotEq(members[i], members[j]);
            }
        }
    }

    function test_EveryOperatorIsDrawnSoonerOrLater() public {
        uint256 seen = 0;
        for (uint64 period = PERIOD; period < PERIOD + 12; ++period) {
            uint32[] memory members = _draw(period);
            for (uint256 i = 0; i < members.length; ++i) {
                seen |= 1 << members[i];
            }
        }
        assertEq(seen, (1 << 12) - 1);
    }

    /// @dev Who could add operators once the seed is known would choose among as many committees as it can register.
    function test_OperatorsThatRegisterAfterTheRequestChangeNothing() public {
        ledger.requestDraw(PERIOD);
        _mine(3);
        uint256 requested = vm.snapshotState();
        uint32[] memory expected = ledger.drawCommittee(PERIOD);
        vm.revertToState(requested);
        _registerOperators(3);
        assertEq(abi.encode(ledger.drawCommittee(PERIOD)), abi.encode(expected));
        assertEq(ledger.periodOf(PERIOD).operatorCount, 12);
    }

    function test_AnUndrawnRequestIsRepeatedWhenItsHashIsLost() public {
        ledger.requestDraw(PERIOD);
        uint64 drawBlock = _blockNumber() + 2;
        vm.roll(drawBlock + 256);
        _expectPending(drawBlock);
        ledger.requestDraw(PERIOD);

        vm.roll(drawBlock + 257);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_DrawExpired.selector, PERIOD, drawBlock));
        ledger.drawCommittee(PERIOD);
        _registerOperators(1);
        ledger.requestDraw(PERIOD);
        assertEq(ledger.periodOf(PERIOD).drawBlock, drawBlock + 259);
        _mine(3);
        assertEq(ledger.drawCommittee(PERIOD).length, 7);
        assertEq(ledger.periodOf(PERIOD).operatorCount, 13);
    }

    function test_ACommitteeIsDrawnUpToTheLastBlockOfItsHash() public {
        ledger.requestDraw(PERIOD);
        _mine(2 + 256);
        assertEq(ledger.drawCommittee(PERIOD).length, 7);
    }

    function test_RevertWhen_TheRequestIsTooEarly() public {
        uint64 opensAt = _periodStart(PERIOD);
        vm.warp(opensAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooEarlyToDraw.selector, PERIOD + 1, opensAt));
        ledger.requestDraw(PERIOD + 1);
        vm.warp(opensAt);
        ledger.requestDraw(PERIOD + 1);
    }

    function test_RevertWhen_TheRequestIsTooLate() public {
        uint64 startsAt = _periodStart(PERIOD);
        vm.warp(startsAt);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooLateToDraw.selector, PERIOD, startsAt));
        ledger.requestDraw(PERIOD);
    }

    function test_RevertWhen_TheDrawIsTooLate() public {
        uint64 startsAt = _periodStart(PERIOD);
        ledger.requestDraw(PERIOD);
        _mine(3);
        vm.warp(startsAt);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooLateToDraw.selector, PERIOD, startsAt));
        ledger.drawCommittee(PERIOD);
    }

    function test_RevertWhen_ARequestIsPending() public {
        ledger.requestDraw(PERIOD);
        uint64 drawBlock = _blockNumber() + 2;
        _expectPending(drawBlock);
        ledger.requestDraw(PERIOD);
        _mine(2);
        _expectPending(drawBlock);
        ledger.drawCommittee(PERIOD);
    }

    function test_RevertWhen_NoDrawWasRequested() public {
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_DrawNotRequested.selector, PERIOD));
        ledger.drawCommittee(PERIOD);
    }

    function test_RevertWhen_ACommitteeWasDrawn() public {
        _draw(PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_AlreadyDrawn.selector, PERIOD));
        ledger.requestDraw(PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_AlreadyDrawn.selector, PERIOD));
        ledger.drawCommittee(PERIOD);
    }

    function test_RevertWhen_TooFewOperatorsAreEligible() public {
        for (uint256 i = 0; i < 8; ++i) {
            vm.prank(operators[i]);
            operatorRegistry.exit();
        }
        ledger.requestDraw(PERIOD);
        _mine(3);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooFewOperators.selector, 4, 5));
        ledger.drawCommittee(PERIOD);
    }

    /// @dev A request that nothing can be drawn from would only keep better ones out for 256 blocks.
    function test_RevertWhen_TooFewOperatorsAreRegistered() public {
        for (uint32 count = 0; count < 5; ++count) {
            UptimeLedger young = new UptimeLedger(IOperatorRegistry(address(new Crowd(count))), _schedule());
            vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooFewOperators.selector, count, 5));
            young.requestDraw(PERIOD);
        }
    }

    function test_ACrowdGoesUnwatchedBeyondTheBound() public {
        UptimeLedger crowded = new UptimeLedger(IOperatorRegistry(address(new Crowd(1e6))), _schedule());
        crowded.requestDraw(PERIOD);
        _mine(3);
        uint32[] memory members = crowded.drawCommittee(PERIOD);
        assertEq(members.length, 7);
        for (uint256 i = 0; i < members.length; ++i) {
            assertLt(members[i], 4096);
        }
        assertEq(crowded.periodOf(PERIOD).operatorCount, 4096);
    }

    function _expectPending(uint64 drawBlock) private {
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_DrawPending.selector, PERIOD, drawBlock));
    }

    /// @dev Jails, unbonds or retires operators by the digits of `out`, but leaves at least `least`.
    function _putOutOfService(uint256 out, uint256 least) private returns (uint256 left) {
        left = 12;
        for (uint256 i = 0; i < 12 && left > least; ++i) {
            uint256 fate = (out >> (i * 2)) & 3;
            if (fate == 0) continue;
            --left;
            if (fate == 1) {
                vm.prank(address(slasher));
                operatorRegistry.jail(operators[i], _now() + 365 days);
            } else if (fate == 2) {
                _thaw(operators[i], operators[i], _sharesOf(operators[i], operators[i]) * 2 / 3);
            } else {
                vm.prank(operators[i]);
                operatorRegistry.exit();
            }
        }
    }

    function _naiveDraw(bytes32 seed) private pure returns (uint32[] memory members) {
        members = new uint32[](7);
        uint256 taken = 0;
        uint256 found = 0;
        for (uint256 i = 0; found < 7; ++i) {
            uint256 candidate = uint256(keccak256(abi.encode(seed, i))) % 12;
            if (taken & (1 << candidate) != 0) continue;
            taken |= 1 << candidate;
            // Below twelve.
            // forge-lint: disable-next-line(unsafe-typecast)
            members[found++] = uint32(candidate);
        }
    }
}

/// @dev As many operators as one likes, all eligible: registering thousands costs more gas than a test has.
contract Crowd {
    uint32 public immutable operatorCount;

    constructor(uint32 count) {
        operatorCount = count;
    }

    function operatorAt(uint32 index) external pure returns (address) {
        return address(uint160(index) + 1);
    }

    function isEligible(address) external pure returns (bool) {
        return true;
    }
}
