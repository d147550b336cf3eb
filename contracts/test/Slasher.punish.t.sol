// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../src/interfaces/IFaults.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {FaultBase} from "./FaultBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract SlasherPunishTest is FaultBase {
    uint256 private constant TOTAL = OPERATORS * OWN_STAKE;

    function _status() private view returns (IOperatorRegistry.Status) {
        return operatorRegistry.operatorOf(operator).status;
    }

    function _assertStatus(IOperatorRegistry.Status status) private view {
        assertEq(uint8(_status()), uint8(status));
    }

    function test_FraudTakesAllEarningsAndTheirPartOfThePool() public {
        _pay(operator, FEE);
        uint256 escrowed = _escrowed(operator);
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.WrongOutput, operator);
        punishment.beneficiary = reporter;
        (punishment.victim, punishment.refund) = (victim, 100 ether);
        uint256 principal = OWN_STAKE * 8444 / 10_000;

        _expectPunished(punishment, escrowed, principal);
        (uint256 earningsTaken, uint256 principalTaken) = _punish(punishment);

        assertEq(earningsTaken, escrowed);
        assertEq(principalTaken, principal);
        assertEq(_escrowed(operator), 0);
        assertEq(settlement.credited(victim), 100 ether);
        assertEq(settlement.credited(reporter), escrowed / 5);
        assertEq(vault.slashable(operator), OWN_STAKE - principal);
        assertEq(vault.credited(reporter), principal / 5);
        assertEq(vault.credited(sink), principal - principal / 5);
        assertTrue(slasher.isPunished(punishment.offence));
        _assertStatus(IOperatorRegistry.Status.Jailed);
        assertEq(operatorRegistry.operatorOf(operator).jailedUntil, _now() + 30 days);
    }

    function test_EquivocationTombstones() public {
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Equivocation, operator);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.OperatorTombstoned(operator);
        _expectPunished(punishment, 0, OWN_STAKE * 8444 / 10_000);

        _punish(punishment);

        _assertStatus(IOperatorRegistry.Status.Tombstoned);
    }

    function test_ALittleFaultJailsNobody() public {
        _pay(operator, FEE);
        uint256 escrowed = _escrowed(operator);
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Unrevealed, operator);
        // 0.1 %, and of one more percent the three eighths that one of eight at fault is taken for.
        uint256 principal = OWN_STAKE / 1000 + OWN_STAKE / 100 * 3 / 8;

        _expectPunished(punishment, escrowed / 100, principal);
        _punish(punishment);

        _assertStatus(IOperatorRegistry.Status.Active);
    }

    /// @dev Thawing stake of the operator and of others is stake too.
    function test_AWithheldReceiptIsWeighedByTheStakeAtFault() public {
        _thaw(operator, operator, _sharesOf(operator, operator) / 2);
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Withheld, operator);
        uint256 principal = OWN_STAKE / 20 + OWN_STAKE / 2 * 3 / 8;

        vm.expectEmit(address(slasher));
        emit ISlasher.StakeAtFaultCounted(operator, OWN_STAKE, OWN_STAKE, TOTAL);
        _expectPunished(punishment, 0, principal);
        _punish(punishment);

        (uint256 atFault, uint256 total) = slasher.stakeAtFault();
        assertEq(atFault, OWN_STAKE);
        assertEq(total, TOTAL - principal);
    }

    /// @dev A third of all stake, and what is left of the first two.
    function test_WhenAThirdIsAtFaultTheCorrelatedPartIsWhole() public {
        _punish(_fault(IFaults.Fault.Withheld, operators[1]));
        _punish(_fault(IFaults.Fault.Withheld, operators[2]));
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Withheld, operator);

        _expectPunished(punishment, 0, OWN_STAKE / 20 + OWN_STAKE / 2);
        _punish(punishment);
    }

    function test_AnOutageIsForgottenAfterTheWindow() public {
        _punish(_fault(IFaults.Fault.Withheld, operators[1]));
        (, uint256 left) = slasher.stakeAtFault();
        _skip(CORRELATION_WINDOW);
        (uint256 atFault,) = slasher.stakeAtFault();
        assertEq(atFault, 0);
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Withheld, operator);

        _expectPunished(punishment, 0, OWN_STAKE / 20 + OWN_STAKE / 2 * 3 * OWN_STAKE / left);
        _punish(punishment);
    }

    /// @dev Many at once are no better an excuse for a fraud, and fraud is none for an outage.
    function test_OtherFaultsAreNotWeighedAndWeighNothing() public {
        _punish(_fault(IFaults.Fault.WrongOutput, operators[1]));
        _punish(_fault(IFaults.Fault.Equivocation, operators[2]));
        _punish(_fault(IFaults.Fault.FalseReport, operators[3]));
        (uint256 atFault,) = slasher.stakeAtFault();
        assertEq(atFault, 0);

        for (uint256 i = 1; i < OPERATORS; ++i) {
            _punish(_fault(IFaults.Fault.Withheld, operators[i]));
        }
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.FalseReport, operator);
        _expectPunished(punishment, 0, OWN_STAKE / 20);
        _punish(punishment);
    }

    /// @dev To the base unit, whatever terms within the limits a judge took down, and never more than there is.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_ItTakesWhatTheTermsSay(IFaults.Terms memory terms, uint256 delegated, uint256 cap, uint256 others)
        public
    {
        delegated = bound(delegated, MIN_DEPOSIT, 1e6 ether);
        _delegate(alice, operator, delegated);
        _pay(operator, FEE);
        others = bound(others, 0, 3);
        for (uint256 i = 1; i <= others; ++i) {
            _punish(_fault(IFaults.Fault.Unrevealed, operators[i]));
        }
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Withheld, operator);
        terms.earningsBps = uint16(bound(terms.earningsBps, 0, 10_000));
        terms.principalBps = uint16(bound(terms.principalBps, 0, 10_000));
        terms.correlatedBps = uint16(bound(terms.correlatedBps, 0, 10_000 - terms.principalBps));
        terms.cutBps = uint16(bound(terms.cutBps, 0, 2000));
        terms.tombstone = false;
        terms.jailSeconds = uint64(bound(terms.jailSeconds, 0, 90 days));
        (punishment.terms, punishment.principalCap) = (terms, bound(cap, 0, 2e6 ether));
        punishment.beneficiary = reporter;
        uint256 escrowed = _escrowed(operator);
        uint256 stake = OWN_STAKE + delegated;

        (uint256 earningsTaken, uint256 principalTaken) = _punish(punishment);

        assertEq(earningsTaken, escrowed * terms.earningsBps / 10_000);
        assertLe(principalTaken, punishment.principalCap);
        if (principalTaken != punishment.principalCap) {
            (uint256 atFault, uint256 total) = slasher.stakeAtFault();
            assertEq(atFault, others * OWN_STAKE + stake);
            assertEq(principalTaken, _expected(stake, terms, atFault, total + principalTaken));
        }
        assertEq(vault.slashable(operator), stake - principalTaken);
        assertLe(vault.credited(reporter) * 5, principalTaken);
        assertLe(settlement.credited(reporter) * 5, earningsTaken);
    }

    function _expected(uint256 stake, IFaults.Terms memory terms, uint256 atFault, uint256 total)
        private
        pure
        returns (uint256)
    {
        uint256 weighed = 3 * atFault < total ? 3 * atFault : total;
        return stake * terms.principalBps / 10_000 + stake * terms.correlatedBps / 10_000 * weighed / total;
    }

    function test_WithoutABeneficiaryNobodyGetsACut() public {
        _pay(operator, FEE);
        (uint256 earningsTaken, uint256 principalTaken) = _punish(_fault(IFaults.Fault.WrongOutput, operator));
        assertGt(earningsTaken, 0);
        assertEq(vault.credited(sink), principalTaken);
        assertEq(vault.credited(address(0)), 0);
        assertEq(settlement.credited(address(0)), 0);
    }

    /// @dev The victim comes first, and is never refunded more than was taken.
    function testFuzz_TheVictimIsRefundedFirst(uint256 refund) public {
        _pay(operator, FEE);
        uint256 escrowed = _escrowed(operator);
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.WrongOutput, operator);
        punishment.beneficiary = reporter;
        (punishment.victim, punishment.refund) = (victim, refund);
        _punish(punishment);
        assertEq(settlement.credited(victim), refund < escrowed ? refund : escrowed);
    }

    // Whatever the operator did meanwhile.

    function test_WhoExitedPays() public {
        vm.prank(operator);
        operatorRegistry.exit();
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.WrongOutput, operator);
        vm.expectEmit(address(slasher));
        emit IFaults.FaultPunished(
            operator,
            IFaults.Fault.WrongOutput,
            punishment.offence,
            address(0),
            address(0),
            0,
            OWN_STAKE * 8444 / 10_000,
            0,
            false
        );
        _punish(punishment);
        _assertStatus(IOperatorRegistry.Status.Exiting);

        _punish(_fault(IFaults.Fault.Equivocation, operator));
        _assertStatus(IOperatorRegistry.Status.Tombstoned);
    }

    function test_WhoIsTombstonedPaysAgain() public {
        for (uint8 i = 1; i <= uint8(type(IFaults.Fault).max); ++i) {
            _punish(_fault(IFaults.Fault.Equivocation, operator));
            uint256 before = vault.slashable(operator);
            _punish(_fault(IFaults.Fault(i), operator));
            assertLt(vault.slashable(operator), before);
            _assertStatus(IOperatorRegistry.Status.Tombstoned);
        }
    }

    function test_WhoIsJailedStaysAsLongAsTheLongerTerm() public {
        _punish(_fault(IFaults.Fault.WrongOutput, operator));
        uint64 until = _now() + 30 days;
        _skip(1 days);
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.FalseReport, operator);
        uint256 left = vault.slashable(operator);
        vm.expectEmit(address(slasher));
        emit IFaults.FaultPunished(
            operator, IFaults.Fault.FalseReport, punishment.offence, address(0), address(0), 0, left / 20, until, false
        );
        _punish(punishment);
    }

    function test_WhoHasNothingLeftIsPunishedForNothing() public {
        _slash(operator, type(uint256).max, 0);
        for (uint8 i = 1; i <= uint8(type(IFaults.Fault).max); ++i) {
            IFaults.Punishment memory punishment = _fault(IFaults.Fault(i), operator);
            (uint256 earningsTaken, uint256 principalTaken) = _punish(punishment);
            assertEq(earningsTaken + principalTaken, 0);
            assertTrue(slasher.isPunished(punishment.offence));
        }
    }

    // What it refuses.

    function test_RevertWhen_TheOffenceWasPunished() public {
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Withheld, operator);
        _punish(punishment);
        bytes memory failure = abi.encodeWithSelector(ISlasher.Slasher_OffencePunished.selector, punishment.offence);
        vm.expectRevert(failure);
        _punish(punishment);

        (punishment.fault, punishment.operator) = (IFaults.Fault.WrongOutput, operators[1]);
        punishment.terms = slasher.terms(IFaults.Fault.WrongOutput);
        vm.expectRevert(failure);
        _punish(punishment);
    }

    function test_RevertWhen_TheJudgeTakesDowntimeIntoItsHands() public {
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Downtime, operator);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_DowntimeHasItsOwnTerms.selector));
        _punish(punishment);
    }

    /// @dev A judge cannot make terms up that governance could not set.
    function test_RevertWhen_TheTermsAreBeyondTheLimits() public {
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Unrevealed, operator);
        punishment.terms.principalBps = 1001;
        vm.expectRevert(
            abi.encodeWithSelector(
                ISlasher.Slasher_ParameterOutOfRange.selector, bytes32("principalBps"), 1001, 0, 1000
            )
        );
        _punish(punishment);
    }

    function test_RevertWhen_TheCallerIsNotTheJudge() public {
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.Withheld, operator);
        address[4] memory callers = [attacker, governor, admin, address(slasher)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            slasher.punish(punishment);
        }
    }
}
